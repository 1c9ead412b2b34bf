"""Damaged replies: every truncation and every flipped bit ends the same way in both twins."""
import struct

import pytest
from corpus import DICT_CLASSES, corpus

# Replies of each kind. How their columns are converted is for other tests; the rewritten ones have unknown fields.
KINDS = [reply for reply in corpus() if reply.dict_class is dict and reply.layout in ('text', 'validated', 'numbers')
         and 'flags' not in reply.name]
PLAIN = [reply for reply in KINDS if 'rewritten' not in reply.name]
REWRITTEN = [reply for reply in KINDS if 'rewritten' in reply.name]


def chunks(replies, count):
    return [pytest.param(replies[start::count], id=str(start)) for start in range(count)]


def check(twins, reply, messages):
    for note, message in messages:
        twins.check(lambda codec, message=message: reply.call(codec, message), (reply.name, note))


def truncations(message):
    return ((end, message[:end]) for end in range(len(message) + 1))


def flips(message, bits=range(8)):
    for place in range(len(message)):
        for bit in bits:
            changed = bytearray(message)
            changed[place] ^= 1 << bit
            yield (place, bit), bytes(changed)


def with_numbers(message, numbers):
    """Every four bytes replaced by each of the numbers: lengths, counts, and what lies across them."""
    for place in range(4, len(message) - 3):
        for number in numbers:
            yield (place, number), message[:place] + struct.pack('>I', number) + message[place + 4:]


@pytest.mark.parametrize('replies', chunks(corpus(), 4))
def test_whole_and_truncated_at_every_byte(twins, replies):
    for reply in replies:
        outcome = twins.check(reply.call, reply.name)
        check(twins, reply, truncations(reply.message))
        assert outcome.error is None or issubclass(outcome.error, Exception)


@pytest.mark.parametrize('replies', chunks(PLAIN, 4))
def test_every_bit_flipped(twins, replies):
    for reply in replies:
        check(twins, reply, flips(reply.message))


@pytest.mark.parametrize('replies', chunks(REWRITTEN, 4))
def test_bits_flipped_among_unknown_fields(twins, replies):
    for reply in replies:
        check(twins, reply, flips(reply.message, bits=(0, 3, 7)))


@pytest.mark.parametrize('replies', chunks(PLAIN, 4))
def test_numbers_put_everywhere(twins, replies):
    for reply in replies:
        if len(reply.message) < 150:
            check(twins, reply, with_numbers(reply.message, (0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff)))


@pytest.mark.parametrize('tail', [b'\0', b'\x0b', b'\x0c\0\1', b'\0' * 9])
def test_bytes_after_the_end(twins, tail):
    for reply in corpus():
        assert twins.check(lambda codec, reply=reply: reply.call(codec, reply.message + tail), reply.name).error


@pytest.mark.parametrize('kind', [bytearray, memoryview, lambda data: memoryview(b'##' + data + b'#')[2:-1],
                                  lambda data: memoryview(bytes(each for byte in data for each in (byte, 0)))[::2],
                                  lambda data: memoryview(data).cast('b')])
def test_other_buffers(twins, kind):
    for reply in corpus():
        expected = twins.check(reply.call, reply.name)
        assert twins.check(lambda codec, reply=reply: reply.call(codec, kind(reply.message)), reply.name) == expected


@pytest.mark.parametrize('damage', [b'', b'\xff' * 40])
@pytest.mark.parametrize('name', DICT_CLASSES)
def test_nothing_is_made_of_a_reply_that_is_malformed_at_its_end(twins, name, damage):
    """A reply is checked to its last byte before a dict of the user's class is made."""
    made = []

    def dict_class(*arguments):
        made.append(arguments)
        return DICT_CLASSES[name](*arguments)
    for reply in corpus():
        if reply.dict_class is DICT_CLASSES[name]:
            changed = reply._replace(dict_class=dict_class, message=reply.message[:-1] + damage)
            assert twins.check(changed.call, reply.name).error
    assert made == []
