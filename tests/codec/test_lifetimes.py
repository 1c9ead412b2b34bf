"""Objects that are changed while they are packed, or seen while they are made, by code that runs in between."""
import decimal
import gc
import os
import subprocess
import sys
import threading

# A list loses what is packed out of it to the comparison of an alias that it is not.
SHRINKING = """
import importlib, sys

codec = importlib.import_module(sys.argv[1])
text = codec.scalar('UTF8Type')

class Alias(str):
    is_compared = False

    def __hash__(self):
        return hash('a')

    def __eq__(self, other):
        if Alias.is_compared:
            name.clear()
        return False

inner = codec.composite([codec.dynamic_composite({Alias('other'): text, 'a': text}), text, text])
name = [[(('a', 'x'),), 'b' * 10, 'c'], 'd']
Alias.is_compared = True
codec.composite([inner, text]).pack(name)
print(name)
"""


def test_a_list_that_loses_what_is_packed_out_of_it(codec):
    """In a process of its own, where memory that is free is overwritten."""
    done = subprocess.run([sys.executable, '-c', SHRINKING, codec.__name__], text=True, capture_output=True, timeout=60,
                          env={'PYTHONMALLOC': 'debug', **os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)})
    assert (done.returncode, done.stdout) == (0, '[]\n'), done.stderr


class Garbage:
    """Changes columns when the collector finds it."""

    def __init__(self, columns):
        self.columns, self.itself = columns, self

    def __del__(self):
        self.columns.clear()


def test_a_finalizer_that_changes_the_columns(codec):
    """The first Decimal of a thread has a context made, and making objects may set off the collector."""
    text, number = codec.scalar('UTF8Type'), codec.scalar('DecimalType')
    layouts = [codec.Layout('Family', key=text, name=number, value=text),
               codec.Layout('Family', key=text, name=codec.composite([number]), value=text)]
    outcomes = []

    def pack(layout, columns):
        threshold = gc.get_threshold()
        gc.disable()
        Garbage(columns)
        try:
            gc.set_threshold(1)
            gc.enable()
            outcomes.append(codec.encode_insertions(layout, 'k', columns, 5, None))
        except RuntimeError as error:
            outcomes.append(error)
        finally:
            gc.set_threshold(*threshold)

    for layout, wrap in zip(layouts, (lambda name: name, lambda name: (name,))):
        columns = {wrap(decimal.Decimal(number)): str(number) * 100 for number in range(3)}
        thread = threading.Thread(target=pack, args=(layout, columns))
        thread.start()
        thread.join()
    assert len(outcomes) == 2
    for outcome in outcomes:
        if isinstance(outcome, RuntimeError):
            assert 'changed' in str(outcome)
        else:
            count, data = outcome
            assert len(codec.mutation_lengths(data, count)) == count


def test_names_are_not_seen_before_they_are_whole(codec):
    """By a component's function that looks through all objects that the collector knows."""
    size, seen = 23, []

    def unpack(data):
        seen.extend(each for each in gc.get_objects() if type(each) is tuple and len(each) == size)
        return [data]

    own, number = codec.Scalar('Own', bytes, unpack), codec.scalar('Int32Type')
    name = codec.composite([own] + [number] * (size - 1)).unpack(b'\0\1x\0' + b'\0\4\0\0\0\5\0' * (size - 1))
    assert name == ([b'x'], *[5] * (size - 1))
    assert gc.is_tracked(name)
    assert not [each for each in seen if [b'x'] in each]
    assert codec.composite([]).unpack(b'') == ()
    assert codec.composite([own, own]).unpack(b'\0\1x\0') == ([b'x'],)
