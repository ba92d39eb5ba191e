# syntax=docker/dockerfile:1
# Two stages: one that builds from the lock file with hashes checked, one that runs without compiler, pip or root.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install uv==0.13.9
WORKDIR /build
COPY pyproject.toml uv.lock README.md LICENSE ./
# The dependencies first, so that a change of our code does not fetch them again.
ARG EXTRAS=""
RUN uv export --frozen --no-dev --no-emit-project ${EXTRAS:+--extra ${EXTRAS}} --output-file requirements.txt \
 && python -m venv /opt/receipt-service \
 && /opt/receipt-service/bin/pip install --require-hashes --requirement requirements.txt
COPY receipt_service receipt_service
COPY schemas schemas
RUN /opt/receipt-service/bin/pip install --no-deps . \
 && /opt/receipt-service/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm
# A fixed number, so that the mounted folders can be given to it (docs/deployment.md).
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin receipts \
 && install --directory --owner=10001 --group=10001 --mode=0700 \
      /keys /keys/issuer /keys/replay /keys/epochs /keys/sealing /keys/statistics /keys/log /open-data /published-log /var/lib/receipts
COPY --from=build /opt/receipt-service /opt/receipt-service
ENV PATH=/opt/receipt-service/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RECEIPT_DATA_FOLDER=/var/lib/receipts
USER 10001:10001
WORKDIR /var/lib/receipts
# The process stops what it began: uvicorn finishes its requests, the worker its attempts.
STOPSIGNAL SIGTERM
ENTRYPOINT ["receipt-service"]
CMD ["--help"]
