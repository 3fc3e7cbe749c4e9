# Pinned by tag; pass --build-arg BUILD_IMAGE=…@sha256:… and RUN_IMAGE=…@sha256:… to pin by digest.
ARG BUILD_IMAGE=mcr.microsoft.com/azurelinux/base/python:3.12
ARG RUN_IMAGE=mcr.microsoft.com/azurelinux/distroless/python:3.12-nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY requirements/runtime.txt requirements/runtime.txt
RUN python3 -m pip install --no-cache-dir --require-hashes --target /app -r requirements/runtime.txt
COPY operator/azure_linux_migrator /app/azure_linux_migrator

FROM ${RUN_IMAGE}
COPY --from=build /app /app
ENV PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["python3", "-m", "azure_linux_migrator"]
CMD ["run"]
