# Pinned by version tag. Digests change with every rebuild of a base image and belong to a release:
#   docker build --build-arg BUILD_IMAGE=…@sha256:… --build-arg RUN_IMAGE=…@sha256:… .
ARG BUILD_IMAGE=mcr.microsoft.com/azurelinux/base/python:3.12
ARG RUN_IMAGE=mcr.microsoft.com/azurelinux/distroless/python:3.12-nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# The dependencies first: they change less often than the code, and every file is checked by hash.
# They are the runtime's without the reader of kubeconfigs: in a pod, azlm uses the ServiceAccount.
COPY requirements/image.txt requirements/build.txt requirements/
RUN python3 -m pip install --require-hashes --only-binary=:all: --no-compile --target /app \
      -r requirements/image.txt

# What builds the wheel: hatchling and all that it needs, from a lock file of its own.
RUN python3 -m venv /build \
 && /build/bin/python -m pip install --require-hashes --only-binary=:all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /build/bin/python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /dist . \
 && python3 -m pip install --no-deps --no-index --no-compile --target /app /dist/*.whl \
 && rm -rf /app/bin \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${RUN_IMAGE}
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="azlm" \
      org.opencontainers.image.description="Moves AKS node pools to Azure Linux" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Compiled in the build: nothing is written at run time, and the root can be read-only.
COPY --from=build /app /app
ENV PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
# No shell is in the image, nor needed.
ENTRYPOINT ["python3", "-m", "azure_linux_migrator"]
CMD ["run"]
