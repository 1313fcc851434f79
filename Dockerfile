# Builds two images from one Debian base: `broker` (mosquitto) and `facenode` (the program with all its commands).
# The base can be any Debian 13 or later, for example one that you imported with `docker import`.
ARG BASE_IMAGE=debian:trixie-slim
# The program's version, set by `make release`.
ARG VERSION=checkout

FROM ${BASE_IMAGE} AS base
# Both images have the same user, so that `watch` can read the password that the broker creates, and nobody else can.
# Setuid and setgid bits are removed, so that no program gives anyone root rights.
RUN groupadd --gid 10001 facenode \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin facenode \
    && install --directory --owner=facenode --group=facenode --mode=0700 /login \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +

FROM base AS broker
RUN apt-get update \
    && apt-get install --yes --no-install-recommends mosquitto \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin \
    && install --directory --owner=facenode --group=facenode --mode=0700 /var/lib/mosquitto
COPY docker/mosquitto.conf /etc/mosquitto/mosquitto.conf
COPY docker/broker.sh /usr/local/bin/broker
USER facenode
EXPOSE 1883
# Check that port 1883 (075B) is open without connecting, because a connection every 2 s would fill the log.
HEALTHCHECK --interval=2s --timeout=5s --retries=5 --start-period=10s \
    CMD ["grep", "-q", ":075B 00000000:0000 0A", "/proc/net/tcp"]
ARG VERSION
LABEL org.opencontainers.image.title="facenode-broker" \
      org.opencontainers.image.description="An MQTT broker for Facenode that keeps every message it has acknowledged" \
      org.opencontainers.image.licenses="Apache-2.0 AND (EPL-2.0 OR BSD-3-Clause)" \
      org.opencontainers.image.version="${VERSION}"
ENTRYPOINT ["broker"]

FROM base AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin

FROM python AS install
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
COPY . /src
# What pip installs and from where: the checkout, or the wheel and the folder of wheels that `make release` passes.
ARG PROGRAM=/src
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
# Remove what the installed program does not need: pip, the libraries' tests, and the runtime's support for accelerators
# other than the CPU.
RUN python3 -m venv /opt/facenode \
    && /opt/facenode/bin/pip install --no-cache-dir "${PROGRAM}" \
    && /opt/facenode/bin/pip uninstall --yes pip \
    && cd /opt/facenode/lib/python3*/site-packages \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && rm -rf ai_edge_litert/libLiteRtWebGpuAccelerator.so ai_edge_litert/tools ai_edge_litert/vendors cv2/data/*.xml

FROM python AS facenode
# The storage of a node; mount a volume here to keep it when the container is removed.
RUN install --directory --owner=facenode --group=facenode --mode=0700 /var/lib/facenode
COPY --from=install /opt/facenode /opt/facenode
ENV PATH=/opt/facenode/bin:$PATH
USER facenode
# No health check here, because most commands end by themselves. Those that keep running report their state with
# --ready, which docker-compose.yml checks.
ARG VERSION
LABEL org.opencontainers.image.title="facenode" \
      org.opencontainers.image.description="Face recognition that runs on a Raspberry Pi and speaks MQTT" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
ENTRYPOINT ["facenode"]
CMD ["--help"]
