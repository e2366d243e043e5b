from app.acknowledgements import Kind, acknowledge, acknowledged_versions
from reader_study.store.transaction import read_head
from reader_study.store.verifying import verify


def test_confirmed_twice_is_one_entry_of_a_log_that_verifies(open_room, clock):
    store = open_room.store
    heads = []
    for _ in range(2):
        details = {"width": 1366}
        acknowledge(store, "anna", Kind.DISPLAY, "v1", clock=clock, details=details)
        with store.reading() as connection:
            heads.append(read_head(connection))
            assert verify(connection).faults == ()

    assert heads[0] == heads[1]
    assert acknowledged_versions(store, "anna", Kind.DISPLAY) == {"v1"}
    assert acknowledged_versions(store, "anna", Kind.INSTRUCTIONS) == set()
    assert acknowledged_versions(store, "ben", Kind.DISPLAY) == set()
