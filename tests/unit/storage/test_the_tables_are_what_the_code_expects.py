from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from awaitstep.storage.port import StoreDamaged, StoreUnavailable
from awaitstep.storage.sql import SqlStore, open_store
from awaitstep.storage.sql.database import Database
from awaitstep.storage.sql.migrate import HEAD, SCRIPTS, NewerDatabase, migrate
from awaitstep.storage.sql.schema import metadata


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/control.db")


def test_the_migrations_end_where_the_tables_are(database: Database) -> None:
    migrate(database)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_workflows_of_an_earlier_release_have_no_limits(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for row in (
            "organizations VALUES ('org_a', 'o', 1)",
            "projects VALUES ('proj_a', 'org_a', 'p', 1)",
            "workflows (id, project, name, description, kind, dependencies, created_at, updated_at)"
            " VALUES ('wf_a', 'proj_a', 'Orders', '', 'workflow', '[]', 1, 1)",
        ):
            connection.execute(sa.text(f"INSERT INTO {row}"))
    migrate(database)
    workflow = SqlStore(database).workflows.get("proj_a", "wf_a")
    assert (workflow.name, workflow.limits) == ("Orders", None)
    database.close()


def test_the_newest_migration_is_the_one_asked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_later_database_is_refused_in_one_sentence(database: Database) -> None:
    migrate(database)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabase, match="revision 9999, which this AwaitStep does not know"):
        migrate(database)
    database.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreDamaged, match=r"control\.db is damaged: file is not a database"):
        open_store(f"sqlite:///{tmp_path}/control.db")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{tmp_path}/nowhere/control.db")


def test_an_open_that_has_nothing_to_do_does_not_load_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/control.db"
    open_store(url).close()
    program = (
        "import sys; from awaitstep.storage.sql import open_store; "
        f"open_store({url!r}).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_sqlite_is_opened_durable_and_strict(database: Database) -> None:
    with database.read() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("busy_timeout") == 5000
    database.close()


def test_a_failed_change_leaves_nothing(database: Database) -> None:
    migrate(database)
    row = sa.text("INSERT INTO settings VALUES ('a', x'00')")

    def change() -> None:
        with database.write() as connection:
            connection.execute(row)
            connection.execute(row)

    with pytest.raises(IntegrityError):
        change()
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM settings")).scalar() == 0
    database.close()


def test_postgres_urls_are_understood() -> None:
    dialect = sa.make_url("postgresql+psycopg://host/db").get_dialect()
    text = str(sa.schema.CreateTable(metadata.tables["env_vars"]).compile(dialect=dialect()))
    assert "BYTEA" in text
    index = next(
        index
        for index in metadata.tables["env_vars"].indexes
        if index.name == "uq_env_vars_project_name"
    )
    assert "WHERE workflow IS NULL" in str(sa.schema.CreateIndex(index).compile(dialect=dialect()))
