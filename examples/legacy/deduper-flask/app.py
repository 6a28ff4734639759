"""The legacy deduper queue as it ran: a Flask application that starts a program per request and keeps jobs in memory.

    python examples/legacy/deduper-flask/app.py --port 5000

Written for Caravan from observed behaviour, defects included: it is the side that contract tests, the drill and the way
back are run against. ``DEDUPER_FLASK_FIXED_IDS=1`` makes the job ids of two routes integers, as the legacy documents
describe them; as deployed they are text, and no job is ever found.
"""

import argparse
import os

from dotenv_file import load_dotenv_file
from flask import Flask
from job_routes import job_routes
from page_routes import pages

FIXED_IDS = "DEDUPER_FLASK_FIXED_IDS"


def create_app() -> Flask:
    """Return an application; all of one process share the same jobs."""
    application = Flask(__name__)
    application.register_blueprint(pages)
    application.register_blueprint(job_routes(integer_ids=os.environ.get(FIXED_IDS) == "1"))
    return application


load_dotenv_file()
app = create_app()


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--port", type=int, default=5000)
    app.run("127.0.0.1", options.parse_args().port, threaded=True, load_dotenv=False)


if __name__ == "__main__":
    main()
