# The application with pilot as its first process, from source: docker build . (or make build, which also names it)
#
# Both of Docker's builders take it, the old one too: no heredoc, no RUN --mount, no COPY --link or --chmod, no syntax line.
# make build PREBUILT=1 takes the last stage alone and fills it with what this machine's cargo has built.

ARG BUILDER=rust:1-slim-bookworm
FROM ${BUILDER} AS build
WORKDIR /src
# A BUILDER that has these already needs no network here.
# hadolint ignore=DL3008 # Debian keeps no old versions that one could pin
RUN command -v musl-gcc || { apt-get update && apt-get install -y --no-install-recommends ca-certificates musl-tools valgrind \
    && rm -rf /var/lib/apt/lists/*; }
RUN rustup target add "$(uname -m)-unknown-linux-musl"
COPY . .
# The commit, for GET /version and pilot -version.
ARG GIT_HASH=
RUN scripts/build-release.sh pilot app \
    && scripts/image-root.sh /image "$(scripts/build-release.sh --folder)" pilot app

FROM scratch
LABEL org.opencontainers.image.title="app under pilot" org.opencontainers.image.licenses="MPL-2.0"
# bin/pilot, bin/app, etc/pilot.json5, etc/ssl/certs; data and run/pilot, where anybody may write.
COPY --from=build /image/ /
ENV CONTAINERPILOT=/etc/pilot.json5 PORT=5000 SQLITE_FILE=/data/app.sqlite
VOLUME ["/data", "/run/pilot"]
USER 65534:65534
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/bin/pilot", "health"]
ENTRYPOINT ["/bin/pilot"]
