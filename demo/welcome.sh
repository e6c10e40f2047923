#!/bin/sh
# What came up and where, in plain words. Run by pilot as the job `welcome`, once both instances are healthy.
consul=http://127.0.0.1:$CONSUL_PORT
app=http://127.0.0.1:${APP_PORT}1

cat <<TEXT

  Everything is up, under one pilot (process $CONTAINERPILOT_PID).

  the application   $app   and   http://127.0.0.1:${APP_PORT}2
  the status        http://127.0.0.1:$STATUS_PORT/
  Consul            $consul/ui
  the database      127.0.0.1:$DB_PORT, user app, password in $DB_PASSWD_FILE

  What Consul knows of the service app:
$(curl -fsSG --data-urlencode 'filter=ServiceName == "app"' "$consul/v1/agent/checks" | tr ',' '\n' | grep -E '"(ServiceID|Status|Output)"' | sed 's/^ *"//; s/":/ /; s/^/    /')

  Try:  curl -i -d username=ada $app/create
        curl $app/users
        export PILOT_SOCKET=$PILOT_SOCKET
        target/debug/pilot status                              or: why app-1, events --follow, graph, postmortem
        kill -9 \$(pgrep -f target/debug/app | head -n 1)     and watch it come back
        kill -9 \$(pgrep -x mariadbd)                          and watch both instances turn critical, and recover
        Ctrl-C                                                to stop everything in order

TEXT
