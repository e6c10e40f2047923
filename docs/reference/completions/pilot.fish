# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pilot_global_optspecs
    string join \n config= version template out= socket= reload maintenance= putenv= putmetric= ping h/help
end

function __fish_pilot_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pilot_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pilot_using_subcommand
    set -l cmd (__fish_pilot_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pilot -n "__fish_pilot_needs_command" -l config -d 'Configuration file [env: CONTAINERPILOT]' -r -F
complete -c pilot -n "__fish_pilot_needs_command" -l out -d 'With --template: write to this file instead of stdout' -r -F
complete -c pilot -n "__fish_pilot_needs_command" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_needs_command" -l maintenance -r -f -a "enable\t''
disable\t''
\t''"
complete -c pilot -n "__fish_pilot_needs_command" -l putenv -r
complete -c pilot -n "__fish_pilot_needs_command" -l putmetric -r
complete -c pilot -n "__fish_pilot_needs_command" -l version -d 'Print version and git hash'
complete -c pilot -n "__fish_pilot_needs_command" -l template -d 'Print the rendered configuration and exit'
complete -c pilot -n "__fish_pilot_needs_command" -l reload
complete -c pilot -n "__fish_pilot_needs_command" -l ping
complete -c pilot -n "__fish_pilot_needs_command" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "check" -d 'Report errors and doubtful settings in a configuration'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "graph" -d 'Show which event starts which job, and the order of stopping'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "template" -d 'Print the rendered configuration template'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "schema" -d 'Print the JSON Schema of the configuration, for editors'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "version" -d 'Print version and git hash'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "completion" -d 'Print a completion script'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "man" -d 'Print the manual page: pilot man | man -l -'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "notify" -d 'In a job: tell pilot that it is ready (health.notify)'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "wait" -d 'Wait for dependencies: databases, Consul, web servers, ports'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "status" -d 'Show pilot and everything it supervises'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "jobs" -d 'Show the state of the jobs'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "start" -d 'Start a job now, whatever it is waiting for'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "stop" -d 'Stop a job and keep it down; pilot keeps running'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "restart" -d 'Stop a job\'s process and start it again'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "signal" -d 'Send a signal to a job\'s processes'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "logs" -d 'Show the last log lines of a job'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "health" -d 'Exit with 0 if no job is failing its health check'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "why" -d 'Explain what a job is waiting for, or what started it'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "events" -d 'Show recent events and what caused them'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "postmortem" -d 'Show how jobs have ended, with their last checks and lines'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "reload" -d 'Reload the configuration and apply what has changed'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "maintenance" -d 'Deregister all services, or register them again'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "putenv" -d 'Set environment variables for processes started from now on'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "putmetric" -d 'Record values of metrics from the configuration'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "ping" -d 'Print `ok` if pilot answers'
complete -c pilot -n "__fish_pilot_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pilot -n "__fish_pilot_using_subcommand check" -l stop-timeout -d 'Time allowed for stopping, for example 30s' -r
complete -c pilot -n "__fish_pilot_using_subcommand check" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand check" -l strict -d 'Fail on warnings too'
complete -c pilot -n "__fish_pilot_using_subcommand check" -l json -d 'Print the report as JSON'
complete -c pilot -n "__fish_pilot_using_subcommand check" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand graph" -l format -d 'text, mermaid, dot, svg or json' -r -f -a "text\t''
mermaid\t''
dot\t''
svg\t''
json\t''"
complete -c pilot -n "__fish_pilot_using_subcommand graph" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand graph" -l json -d 'Same as --format json'
complete -c pilot -n "__fish_pilot_using_subcommand graph" -l live -d 'Of the running pilot, with the state of each job'
complete -c pilot -n "__fish_pilot_using_subcommand graph" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand template" -l out -d 'Write to this file instead of stdout' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand template" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand template" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand schema" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand schema" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand version" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand version" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand completion" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand completion" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand man" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand man" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand notify" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand notify" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand wait" -l timeout -d 'Limit for all of them [default: 60s]' -r
complete -c pilot -n "__fish_pilot_using_subcommand wait" -l password-env -d 'Environment variable with the MySQL password' -r
complete -c pilot -n "__fish_pilot_using_subcommand wait" -l password-file -d 'File with the MySQL password, read at each attempt' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand wait" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand wait" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand status" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand status" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand status" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand jobs" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand jobs" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand jobs" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand start" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand start" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand stop" -l wait -d 'How long to wait; 0: do not wait' -r
complete -c pilot -n "__fish_pilot_using_subcommand stop" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand stop" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand restart" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand restart" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand signal" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand signal" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand logs" -s n -l lines -d 'How many' -r
complete -c pilot -n "__fish_pilot_using_subcommand logs" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand logs" -s f -l follow -d 'Keep showing new ones'
complete -c pilot -n "__fish_pilot_using_subcommand logs" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand logs" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand health" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand health" -l ready -d 'Only if every job with a check is healthy and in service'
complete -c pilot -n "__fish_pilot_using_subcommand health" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand health" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand why" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand why" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand why" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand events" -s n -l lines -d 'How many' -r
complete -c pilot -n "__fish_pilot_using_subcommand events" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand events" -s f -l follow -d 'Keep showing new ones'
complete -c pilot -n "__fish_pilot_using_subcommand events" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand events" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand postmortem" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand postmortem" -l json -d 'Print JSON'
complete -c pilot -n "__fish_pilot_using_subcommand postmortem" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand reload" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand reload" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand maintenance" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand maintenance" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand putenv" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand putenv" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand putmetric" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand putmetric" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand ping" -l socket -d 'Socket of the running pilot [env: PILOT_SOCKET]' -r -F
complete -c pilot -n "__fish_pilot_using_subcommand ping" -s h -l help -d 'Print help'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "check" -d 'Report errors and doubtful settings in a configuration'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "graph" -d 'Show which event starts which job, and the order of stopping'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "template" -d 'Print the rendered configuration template'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "schema" -d 'Print the JSON Schema of the configuration, for editors'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "version" -d 'Print version and git hash'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "completion" -d 'Print a completion script'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "man" -d 'Print the manual page: pilot man | man -l -'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "notify" -d 'In a job: tell pilot that it is ready (health.notify)'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "wait" -d 'Wait for dependencies: databases, Consul, web servers, ports'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "status" -d 'Show pilot and everything it supervises'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "jobs" -d 'Show the state of the jobs'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "start" -d 'Start a job now, whatever it is waiting for'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "stop" -d 'Stop a job and keep it down; pilot keeps running'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "restart" -d 'Stop a job\'s process and start it again'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "signal" -d 'Send a signal to a job\'s processes'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "logs" -d 'Show the last log lines of a job'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "health" -d 'Exit with 0 if no job is failing its health check'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "why" -d 'Explain what a job is waiting for, or what started it'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "events" -d 'Show recent events and what caused them'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "postmortem" -d 'Show how jobs have ended, with their last checks and lines'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "reload" -d 'Reload the configuration and apply what has changed'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "maintenance" -d 'Deregister all services, or register them again'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "putenv" -d 'Set environment variables for processes started from now on'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "putmetric" -d 'Record values of metrics from the configuration'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "ping" -d 'Print `ok` if pilot answers'
complete -c pilot -n "__fish_pilot_using_subcommand help; and not __fish_seen_subcommand_from check graph template schema version completion man notify wait status jobs start stop restart signal logs health why events postmortem reload maintenance putenv putmetric ping help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
