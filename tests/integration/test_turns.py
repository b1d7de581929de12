"""Writers of one SQLite database take turns: who writes on and on keeps nobody waiting for long."""

import threading
import time
from pathlib import Path
from statistics import median

from sqlalchemy import text

from notify.storage.engine import open_engine, transaction

TURN = 0.08


def test_an_order_waits_for_the_turn_under_way_and_not_for_an_import(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/turns.db"
    engine, other = open_engine(url), open_engine(url)
    with transaction(engine, write=True) as connection:
        connection.execute(text("CREATE TABLE rows (number INTEGER)"))
    begun, over = threading.Event(), threading.Event()

    def import_all() -> None:
        while not over.is_set():
            with transaction(other, write=True) as connection:
                connection.execute(text("INSERT INTO rows VALUES (1)"))
                begun.set()
                time.sleep(TURN)

    importing = threading.Thread(target=import_all)
    importing.start()
    waits = []
    try:
        assert begun.wait(10)
        for _ in range(5):
            began = time.monotonic()
            with transaction(engine, write=True) as connection:
                connection.execute(text("INSERT INTO rows VALUES (2)"))
            waits.append(time.monotonic() - began)
    finally:
        over.set()
        importing.join()
        engine.dispose()
        other.dispose()
    assert median(waits) < 10 * TURN  # one may have waited for a busy machine
