"""Threads: eight of them use the codec at once, on shared layouts, inputs and dicts."""
import random
import sys
import threading

import pytest
from corpus import corpus, layout_of
from twins import observe

from pycassa.errors import PackingError

THREADS = 8


@pytest.fixture(autouse=True)
def often_switched():
    """Threads take turns as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(function):
    """Run function(number) in all threads at once; whatever one of them raises is raised here."""
    errors, barrier = [], threading.Barrier(THREADS)

    def run(number):
        try:
            barrier.wait()
            function(number)
        except BaseException as error:
            errors.append(error)
            raise
    hook, threading.excepthook = threading.excepthook, lambda arguments: None
    try:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        threading.excepthook = hook
    if errors:
        raise errors[0]


def test_replies(codec):
    replies = [reply for reply in corpus() if reply.flags != 1]
    expected = [observe(reply.call, codec) for reply in replies]
    cut = [observe(lambda codec, reply=reply: reply.call(codec, reply.message[:-2]), codec) for reply in replies]

    def work(number):
        order = [*range(len(replies))]
        random.Random(number).shuffle(order)
        for index in order:
            reply = replies[index]
            assert observe(reply.call, codec) == expected[index]
            assert observe(lambda codec, reply=reply: reply.call(codec, reply.message[:-2]), codec) == cut[index]
    together(work)


def test_requests(codec):
    layout = codec.Layout('Family', key=codec.scalar('UTF8Type'), name=codec.scalar('UTF8Type'),
                          value=codec.scalar('UTF8Type'), validators={b'n': codec.scalar('LongType')})
    rows = {f'key{row}': {'n': row, **{f'name{column}\xe9': f'{row} {column}' for column in range(9)}}
            for row in range(40)}
    own = {number: {f'key{number}': {'n': number, 'x': 'y' * number * 500}} for number in range(THREADS)}
    wrong = {'k': {'a': 'b', 'n': 'no number'}}
    expected = codec.encode_rows(1, layout, rows, 5, None, 1)
    single = {number: codec.encode_rows(1, layout, each, 5, 60, 1) for number, each in own.items()}

    def work(number):
        for _ in range(100):
            assert codec.encode_rows(1, layout, rows, 5, None, 1) == expected
            assert codec.encode_rows(1, layout, own[number], 5, 60, 1) == single[number]
            with pytest.raises(PackingError, match="column 'n'"):
                codec.encode_rows(1, layout, wrong, 5, None, 1)
    together(work)


def test_users_functions(codec):
    """Python runs in the middle of a call, so that others get their turn there."""
    def pack(value):
        return sum(map(ord, value)).to_bytes(4, 'big')

    def unpack(data):
        return ''.join(map(chr, data))
    own, text = codec.Scalar('Own', pack, unpack), codec.scalar('UTF8Type')
    layout = codec.Layout('Family', key=own, name=text, value=own, super_name=text)
    columns = {f's{number}': {f'n{each}': f'value {number} {each}' for each in range(5)} for number in range(3)}
    expected = codec.encode_rows(1, layout, {'k': columns, 'l': columns}, 5, None, 1)
    replies = [reply for reply in corpus(0) if reply.layout == 'text' and 'absent' not in reply.name]
    read = [observe(lambda codec, reply=reply: reply.decode(codec, reply.message, layout, dict, 0), codec)
            for reply in replies]

    def work(number):
        for _ in range(20):
            assert codec.encode_rows(1, layout, {'k': columns, 'l': columns}, 5, None, 1) == expected
        for reply, outcome in zip(replies, read):
            assert observe(lambda codec, reply=reply: reply.decode(codec, reply.message, layout, dict, 0),
                           codec) == outcome
    together(work)


@pytest.mark.parametrize('own', [False, True])
def test_a_dict_that_others_change_meanwhile(codec, own):
    """An error says that it changed, or some state of it is written: never a crash.

    That what is written is whole is asked where no Python runs in the middle of it: elsewhere threads may take turns
    between the counting of columns and the first of them, and a dict that loses and gains as many may go unnoticed.
    """
    text = codec.scalar('UTF8Type')
    value = codec.Scalar('Own', lambda value: value.encode(), bytes.decode) if own else text
    layout = codec.Layout('Family', key=text, name=text, value=value)
    shared = {f'name{number}': f'value{number}' * 9 for number in range(50)}
    rows = {f'key{number}': shared for number in range(3)}
    over = threading.Event()

    def change(rng):
        name = f'name{rng.randrange(100)}'
        if rng.random() < 0.5:
            shared[name] = f'value{rng.random()}'
        else:
            shared.pop(name, None)

    def write():
        count, data = codec.encode_insertions(layout, 'k', shared, 5, None)
        if codec.IMPLEMENTATION == 'cython' and not own:
            assert len(codec.mutation_lengths(data, count)) == count
        codec.encode_rows(1, layout, rows, 5, None, 1)

    def work(number):
        rng = random.Random(number)
        if number:
            while not over.is_set():
                change(rng)
            return
        try:
            for _ in range(300):
                try:
                    write()
                except RuntimeError as error:
                    assert 'changed' in str(error)
        finally:
            over.set()
    together(work)


def test_layouts_and_scalars_made_meanwhile(codec):
    def work(number):
        for each in range(200):
            scalar = codec.composite([codec.scalar('LongType'), codec.bytes_scalar('utf-8')])
            layout = codec.Layout(f'Family{number}', key=codec.scalar('UTF8Type'), name=scalar, value=scalar,
                                  validators={b'%d' % name: scalar for name in range(each % 20)})
            count, data = codec.encode_insertions(layout, 'k', {(number, 'x'): (each, 'y')}, 5, None)
            assert count == 1 and each.to_bytes(8, 'big') in data
    together(work)
    assert layout_of(codec, 'text').family == b'Family'
