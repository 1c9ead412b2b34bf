"""Memory: what a reply announces costs nothing; what was received does, a few times over at most."""
import json
import pathlib
import subprocess
import sys
import time

import pytest
from corpus import SEQID, layout_of
from oracle import Oracle

from pycassa.cassandra.ttypes import KeySlice
from pycassa.errors import ProtocolError

ORACLE = Oracle()
MEBIBYTE = 1 << 20


@pytest.mark.parametrize('mebibytes', [1, 4])
def test_huge_lengths_and_counts_with_much_behind_them(codec, mebibytes):
    folder = pathlib.Path(__file__).parent
    done = subprocess.run([sys.executable, folder / 'memoryprobe.py', codec.__name__, str(mebibytes)], text=True,
                          env={'PYTHONPATH': ':'.join([str(folder), *sys.path])}, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rise, count, worst = json.loads(done.stdout)
    assert count > 1000
    assert rise <= 8 * mebibytes * MEBIBYTE + 16 * MEBIBYTE, worst


def test_a_long_list_of_structs_without_fields_ends_soon(codec):
    """A million elements of one byte each, which are no columns: the first one says so."""
    layout = layout_of(codec, 'text')
    head = ORACLE.reply('get_slice', SEQID)[:-1]
    started = time.process_time()
    with pytest.raises(ProtocolError):
        codec.decode_get_slice(head + b'\x0f\0\0\x0c' + MEBIBYTE.to_bytes(4, 'big') + bytes(MEBIBYTE), SEQID, layout,
                               dict, 0)
    assert time.process_time() - started < 1


@pytest.mark.parametrize('rows', [1, 50])
def test_columns_of_one_name(codec, rows):
    """Dicts that are made for many columns and hold one: not for longer than the reply is read, or not much."""
    columns = [ORACLE.column(b'same', b'v', 1)] * 2000
    message = ORACLE.reply('get_range_slices', SEQID, success=[KeySlice(b'%d' % row, columns) for row in range(rows)])
    found = codec.decode_key_slices(message, 'get_range_slices', SEQID, layout_of(codec, 'standard'), dict, 0)
    assert [columns for _, columns in found] == [{'same': 'v'}] * rows
    assert sum(map(sys.getsizeof, (columns for _, columns in found))) <= 8 * len(message)


def test_a_request_after_a_huge_one_is_small_again(codec):
    """What is kept for the next request is a guess at its size, not its bytes."""
    layout = layout_of(codec, 'standard')
    codec.encode_rows(1, layout, {'k': {'n': 'v' * 20 * MEBIBYTE}}, 5, None, 1)
    small = [codec.encode_rows(1, layout, {'k': {'n': 'v'}}, 5, None, 1) for _ in range(3)]
    assert {sys.getsizeof(each) - len(each) for each in small} == {sys.getsizeof(b'')}


@pytest.mark.parametrize('size', [0, 1, 255, 65535, MEBIBYTE])
def test_results_are_no_larger_than_they_have_to_be(codec, size):
    layout = layout_of(codec, 'bytes')
    value = b'\xee' * size
    count, data = codec.encode_insertions(layout, b'k', {b's': {b'n': value}}, 5, None)
    assert sys.getsizeof(data) - len(data) == sys.getsizeof(b'')
    found = codec.decode_get_slice(ORACLE.reply('get_slice', SEQID, success=[ORACLE.column(b'n', value, 1)]), SEQID,
                                   layout, dict, 0)
    assert sys.getsizeof(found[b'n']) == sys.getsizeof(value)
