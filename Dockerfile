# Two stages: the wheel and its locked requirements, then a small image that runs as nobody in particular.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /caravan && /caravan/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY migrations migrations
COPY src src
RUN /caravan/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/caravan --create-home caravan
COPY --from=build /caravan /caravan
ENV PATH=/caravan/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CARAVAN_ENVIRONMENT=production \
    CARAVAN_HOME=/var/lib/caravan \
    CARAVAN_HOST=0.0.0.0
USER caravan
VOLUME /var/lib/caravan
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import sys, urllib.request as u; sys.exit(u.urlopen('http://127.0.0.1:8000/livez', timeout=2).status != 200)"]
CMD ["caravan", "api"]
