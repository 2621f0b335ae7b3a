# A layer over an environment's image with packages that pages install and the environment lacks (`proctor check --install`). Its context:
#
#   packages.txt      a line a package: its name, a blank, and what pip is asked for
#   constraints.txt   the environment's own versions, which stay as they are
ARG BASE
# A stage of its own, so that an index with a password in its address leaves no trace in the image.
FROM ${BASE} AS packages
ARG TAG
LABEL proctor.stage=${TAG}
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
COPY packages.txt constraints.txt /tmp/
# One after the other: a package that cannot be installed must not keep the others out. Proctor reads the lines that start with its name.
RUN set -eu; \
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore; \
    [ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL; \
    [ -n "${PIP_EXTRA_INDEX_URL:-}" ] || unset PIP_EXTRA_INDEX_URL; \
    while read -r name asked; do \
        echo "installing $name"; \
        if ! /opt/venv/bin/pip install --no-cache-dir --no-compile --progress-bar off -c /tmp/constraints.txt "$asked" >/tmp/pip.log 2>&1 </dev/null; then \
            cat /tmp/pip.log; \
            echo "proctor-refused $name $(grep 'ERROR: ' /tmp/pip.log | tail -n 1 | sed 's/.*ERROR: //')"; \
        fi; \
    done </tmp/packages.txt; \
    /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib || true

FROM ${BASE}
LABEL proctor=environment
COPY --from=packages /opt/venv /opt/venv
