# Two images from one small Debian: `broker` (mosquitto) and `facenode` (the program: watch, run, demo and the rest).
# The base is any Debian 13 or later, for instance one imported by `docker import`: FACENODE_BASE_IMAGE=NAME.
ARG BASE_IMAGE=debian:trixie-slim

FROM ${BASE_IMAGE} AS base
# The same user in both images: the broker makes the password, and `watch` may read it, but nobody else.
RUN groupadd --gid 10001 facenode \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin facenode \
    && install --directory --owner=facenode --group=facenode --mode=0700 /login

FROM base AS broker
RUN apt-get update \
    && apt-get install --yes --no-install-recommends mosquitto \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=facenode --group=facenode --mode=0700 /var/lib/mosquitto
COPY docker/mosquitto.conf /etc/mosquitto/mosquitto.conf
COPY docker/broker.sh /usr/local/bin/broker
USER facenode
EXPOSE 1883
ENTRYPOINT ["broker"]

FROM base AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*

FROM python AS install
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
COPY . /src
# pip is needed no more once the program is installed.
RUN python3 -m venv /opt/facenode \
    && /opt/facenode/bin/pip install --no-cache-dir /src \
    && /opt/facenode/bin/pip uninstall --yes pip

FROM python AS facenode
# What a node keeps; a volume here outlives the container.
RUN install --directory --owner=facenode --group=facenode --mode=0700 /var/lib/facenode
COPY --from=install /opt/facenode /opt/facenode
ENV PATH=/opt/facenode/bin:$PATH
USER facenode
ENTRYPOINT ["facenode"]
CMD ["--help"]
