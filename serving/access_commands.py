"""`anxu key …` and `anxu user …`: who may use API and page."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from serving.accounts import Account, AccountError, Accounts
from serving.roles import Role
from settings import Settings

HOME = Path("county")
Home = Annotated[Path, typer.Option("--home", envvar="ANXU_HOME", help="the county folder")]
Plots = Annotated[str | None, typer.Option(help="comma-separated; a member's own")]
AsRole = Annotated[Role, typer.Option("--role", help="what it may do")]
Stdin = Annotated[bool, typer.Option("--stdin", help="read the password from standard input")]
key_app = typer.Typer(help="Make, list and revoke keys of programs.", no_args_is_help=True)
user_app = typer.Typer(help="Make, list and remove people who log in at the page.", no_args_is_help=True)


@key_app.command("add")
def key_add(name: str, role: AsRole, plots: Plots = None, home: Home = HOME) -> None:
    """Make a key and print it, once; only its digest is kept."""
    with _told():
        accounts = _accounts(home)
        first = not accounts.known().is_guarded
        account, key = accounts.add_key(name, role, (plots or "").split(","))
    typer.echo(key)
    typer.echo(
        f"key {account.id} '{account.name}' ({role}); shown this once. Send it as: Authorization: Bearer KEY",
        err=True,
    )
    _say_guarded(first)


@key_app.command("list")
def key_list(home: Home = HOME) -> None:
    """List keys, revoked ones too; the keys themselves are kept nowhere."""
    _list(_accounts(home).listed("key"), "no key was made yet: anxu key add NAME --role viewer")


@key_app.command("revoke")
def key_revoke(
    given: Annotated[str, typer.Argument(metavar="ID", help="or name")], home: Home = HOME
) -> None:
    """End a key; its next request is refused."""
    with _told():
        ended = _accounts(home).end("key", given)
    typer.echo(f"key {ended.id} '{ended.name}' is revoked")


@user_app.command("add")
def user_add(name: str, role: AsRole, plots: Plots = None, stdin: Stdin = False, home: Home = HOME) -> None:
    """Make a user; asks for the password."""
    with _told():
        accounts = _accounts(home)
        first = not accounts.known().is_guarded
        account = accounts.add_user(name, role, _password(stdin), (plots or "").split(","))
    typer.echo(f"user {account.id} '{account.name}' ({role}) may log in at /login")
    _say_guarded(first)


@user_app.command("list")
def user_list(home: Home = HOME) -> None:
    """List users, removed ones too."""
    _list(_accounts(home).listed("user"), "no user was made yet: anxu user add NAME --role planner")


@user_app.command("password")
def user_password(name: str, stdin: Stdin = False, home: Home = HOME) -> None:
    """Give a user another password; their sessions end."""
    with _told():
        _accounts(home).set_password(name, _password(stdin))
    typer.echo(f"user '{name}' has another password; all their sessions ended")


@user_app.command("remove")
def user_remove(name: str, home: Home = HOME) -> None:
    """End a user and their sessions."""
    with _told():
        ended = _accounts(home).end("user", name)
    typer.echo(f"user {ended.id} '{ended.name}' is removed")


def _accounts(home: Path) -> Accounts:
    if not home.exists():
        typer.echo(
            f"no county folder at '{home}': make one with `anxu init {home}`, or name it with --home",
            err=True,
        )
        raise typer.Exit(2)
    return Accounts(Settings(home=home).access_path)


def _password(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True))


def _list(accounts: list[Account], nothing: str) -> None:
    for a in accounts:
        plots = f" plots {','.join(sorted(a.plots))}" if a.plots is not None else ""
        ended = f" ended {a.ended_at:%Y-%m-%d}" if a.ended_at else ""
        typer.echo(f"{a.id}  {a.role:<8} {a.name}{plots}  since {a.made_at:%Y-%m-%d}{ended}")
    if not accounts:
        typer.echo(nothing)


def _say_guarded(first: bool) -> None:
    if first:
        typer.echo(
            "from now on API and page ask everyone who they are; a service that runs already does so at once",
            err=True,
        )


@contextmanager
def _told() -> Iterator[None]:
    """What the user can mend is said in a line and ends with 1."""
    try:
        yield
    except AccountError as error:
        typer.echo(f"anxu: {error}", err=True)
        raise typer.Exit(1) from error
