# A layer over an environment's image with the servers that a lab may ask for (`services` in lab.toml), so that nobody else's image grows.
# What they are started with stands in `engine/agent/services.py`.
ARG BASE
FROM ${BASE}
LABEL proctor=environment
# No cluster of Debian's own, and nothing is started while packages are installed.
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    mkdir -p /etc/postgresql-common; \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; \
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; \
    chmod 755 /usr/sbin/policy-rc.d; \
    apt-get update -q; \
    apt-get install -q -y --no-install-recommends redis-server postgresql; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
# A cluster that every lab gets a copy of: initialising one takes longer than most lessons. Small logs, since it lives in memory.
RUN set -eu; \
    programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1); \
    install -d -o postgres /opt/proctor /opt/proctor/postgresql; \
    runuser -u postgres -- "$programs/initdb" -D /opt/proctor/postgresql -U postgres -A trust -E UTF8 --locale=C.UTF-8 --wal-segsize=1 --no-sync; \
    echo 'CREATE DATABASE app;' | runuser -u postgres -- "$programs/postgres" --single -D /opt/proctor/postgresql postgres; \
    chmod -R a+rX /opt/proctor
