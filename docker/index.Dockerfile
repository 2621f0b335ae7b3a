# Asks the package index, from inside of an environment, which releases there are (`proctor bisect`). Its context: releases.py. Nothing of it is kept: the answer
# is in the log.
ARG BASE
FROM ${BASE}
# Lets Proctor find and remove what the classic builder leaves.
ARG TAG
LABEL proctor.stage=${TAG}
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG NAMES
COPY releases.py /tmp/
RUN set -eu; \
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1; \
    [ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL; \
    [ -n "${PIP_EXTRA_INDEX_URL:-}" ] || unset PIP_EXTRA_INDEX_URL; \
    /opt/venv/bin/python -I /tmp/releases.py list ${NAMES} || true
