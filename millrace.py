"""The operator's command line, `millrace …`: reads arguments and hands over; what a command does lives with its subject."""


def main() -> None:
    raise SystemExit("millrace: no command yet")
