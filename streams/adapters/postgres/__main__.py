"""`python -m streams.adapters.postgres migrate`: bring the schema of MILLRACE_POSTGRES_DSN to its newest step."""

import argparse
import sys

from models.errors import Unavailable
from streams import settings
from streams.adapters.postgres.migrating import migrate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m streams.adapters.postgres", description=__doc__)
    parser.add_argument("command", choices=["migrate"])
    parser.parse_args()
    try:
        before, after = migrate(settings.load().postgres_dsn)
    except (Unavailable, settings.SettingsRefused) as failed:
        print(failed, file=sys.stderr)
        return 1
    print(f"PostgreSQL's schema: {before or 'empty'} -> {after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
