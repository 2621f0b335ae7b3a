# A layer over an environment's image in which one package is another release (`proctor bisect`). Its context:
#
#   releases.py
#   asked.txt     what the script is to fetch: a time or `-`, and requirements
ARG BASE
# A stage of its own, so that an index with a password in its address leaves no trace in the image.
FROM ${BASE} AS packages
ARG TAG
LABEL proctor.stage=${TAG}
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
COPY releases.py asked.txt /tmp/
RUN set -eu; \
    export PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore; \
    [ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL; \
    [ -n "${PIP_EXTRA_INDEX_URL:-}" ] || unset PIP_EXTRA_INDEX_URL; \
    /opt/venv/bin/python -I /tmp/releases.py wheels /opt/wheels $(cat /tmp/asked.txt)

FROM ${BASE}
ARG RELEASE
LABEL proctor=environment proctor.release=${RELEASE}
COPY --from=packages /opt/wheels /opt/wheels
RUN PIP_ROOT_USER_ACTION=ignore /opt/venv/bin/pip install -q --disable-pip-version-check --no-cache-dir --no-index --no-deps /opt/wheels/*.whl; rm -rf /opt/wheels
