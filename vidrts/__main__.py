"""The command `vidrts`, also as `python -m vidrts`."""

import signal


def main() -> None:
    """Load the command line and run it. Ctrl-C while it loads ends the process as it ends any program."""
    held = signal.getsignal(signal.SIGINT)
    if held is signal.default_int_handler:  # and not ignored, as under nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from vidrts.cli import main as run

    signal.signal(signal.SIGINT, held)
    run()


if __name__ == "__main__":
    main()
