"""``pca-automator hosts``: who is in the fleet. Every write is conditional and leaves the system's attributes alone."""

from __future__ import annotations

import typer

from pca_automator.cli.verbs.hosts.add import add
from pca_automator.cli.verbs.hosts.lint import lint
from pca_automator.cli.verbs.hosts.list import list_
from pca_automator.cli.verbs.hosts.remove import remove
from pca_automator.cli.verbs.hosts.remove_copies import remove_copies
from pca_automator.cli.verbs.hosts.restore import restore
from pca_automator.cli.verbs.hosts.retire import retire
from pca_automator.cli.verbs.hosts.set import set_
from pca_automator.cli.verbs.hosts.show import show_

hosts = typer.Typer(
    no_args_is_help=True,
    help="Who is in the fleet: add, list, lint, show, set, retire, restore, remove, remove-copies.",
)

hosts.command("add")(add)
hosts.command("list")(list_)
hosts.command("show")(show_)
hosts.command("set")(set_)
hosts.command("retire")(retire)
hosts.command("lint")(lint)
hosts.command("remove")(remove)
hosts.command("remove-copies")(remove_copies)
hosts.command("restore")(restore)
