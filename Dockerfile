# The gateway, from the versions in requirements.lock: `docker build --tag passback .`
# It runs as a user without rights, and writes nothing but /data and /tmp.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/passback \
    && /opt/passback/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --requirement requirements.lock
COPY CHANGELOG.md LICENSE README.md pyproject.toml ./
COPY src ./src
# What builds the package is not needed to run it.
RUN /opt/passback/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --no-index . \
    && /opt/passback/bin/pip uninstall --yes editables hatchling pathspec pluggy trove-classifiers pip

FROM python:${PYTHON}-slim-bookworm
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Passback" \
      org.opencontainers.image.description="A self-hosted grade-passback gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin passback \
    && install --directory --owner=10001 --group=10001 --mode=700 /data
COPY --from=build /opt/passback /opt/passback
ENV PATH=/opt/passback/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PASSBACK_HOST=0.0.0.0 \
    PASSBACK_PORT=8080 \
    PASSBACK_DATA=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# The start waits up to 60 seconds for PostgreSQL. urllib would ask the proxy that Docker names to its containers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=70s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', os.environ['PASSBACK_PORT'], timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["passback"]
CMD ["serve"]
