# One image for every process of Millrace, and for the Stripe simulator. Which one runs is the command:
#   python -m agents.writer | agents.gateway | agents.projection | agents.notifications | web | sandbox.stripe_simulator
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements/service.txt requirements/service.in requirements/parquet.in requirements/
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/service.txt
COPY pyproject.toml setup.py README.md LICENSE millrace.py ./
COPY models models
COPY agents agents
COPY streams streams
COPY web web
COPY sandbox sandbox
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/millrace --create-home millrace
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 \
    MILLRACE_HTTP_HOST=0.0.0.0 MILLRACE_HTTP_PORT=8080 MILLRACE_GRPC_HOST=0.0.0.0 MILLRACE_GRPC_PORT=9090 \
    MILLRACE_HEALTH_HOST=0.0.0.0 MILLRACE_HEALTH_PORT=8081
EXPOSE 8080 9090
USER millrace
WORKDIR /var/lib/millrace
CMD ["python", "-m", "web"]
