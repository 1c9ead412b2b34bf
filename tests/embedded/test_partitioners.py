"""Tokens, their texts and the order of rows under each partitioner (semantics of Cassandra 1.2 to 3.11)."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa.embedded.partitioners import TokenError, murmur3, partitioner

MURMUR = partitioner('Murmur3Partitioner')
RANDOM = partitioner('org.apache.cassandra.dht.RandomPartitioner')
ORDERED = partitioner('ByteOrderedPartitioner')
TEXT = partitioner('OrderPreservingPartitioner')


@pytest.mark.parametrize('key, token', [
    (b'k00', -9057382552492429888),
    (b'k05', 8011147356131820252),
    (b'\xff', -4442228696663692417),
    (b'\x00', 5048724184180415669),
])
def test_murmur3_check_values_of_real_servers(key, token):
    assert MURMUR.token(key) == token
    assert MURMUR.text(token) == str(token)


@pytest.mark.parametrize('size', [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100])
def test_murmur3_is_total_and_64_bit_for_every_length(size):
    for byte in (0x00, 0x7F, 0x80, 0xFF):
        assert -1 << 63 <= murmur3(bytes([byte]) * size) < 1 << 63


def test_the_tail_is_sign_extended():
    # The reference implementation of MurmurHash3 gives another value for bytes >= 0x80 in the tail.
    assert murmur3(b'\xff') != murmur3(b'\x7f')
    assert MURMUR.token(b'\xff') == -4442228696663692417


def test_the_empty_key_has_the_smallest_token():
    assert MURMUR.token(b'') == -2**63
    assert RANDOM.token(b'') == -1
    assert ORDERED.token(b'') == b''
    assert TEXT.token(b'') == ''


def test_the_smallest_token_is_never_a_keys(monkeypatch):
    monkeypatch.setattr('pycassa.embedded.partitioners.murmur3', lambda key: -2**63)
    assert MURMUR.token(b'x') == 2**63 - 1


def test_random_tokens_are_absolute_values_of_md5():
    assert RANDOM.token(b'k00') == abs(int.from_bytes(__import__('hashlib').md5(b'k00').digest(), 'big', signed=True))
    assert all(0 <= RANDOM.token(b'%d' % number) <= 2**127 for number in range(200))


def test_byte_ordered_text_is_hex_and_an_odd_one_gets_a_zero():
    assert ORDERED.text(b'\xab\x01') == 'ab01'
    assert ORDERED.parse('ab1') == b'\x0a\xb1'
    assert ORDERED.parse('') == b''


def test_order_preserving_token_is_text_or_hex():
    assert TEXT.token('é'.encode()) == 'é'
    assert TEXT.token(b'\xff\x00') == 'ff00'


def test_order_preserving_order_is_that_of_java_strings():
    # U+FFFD sorts after U+1F600 in UTF-16, before it in UTF-8.
    assert TEXT.position('\U0001f600'.encode()) < TEXT.position('\ufffd'.encode())


@pytest.mark.parametrize('ring, text', [
    (MURMUR, 'abc'), (MURMUR, ''), (MURMUR, '9223372036854775808'), (MURMUR, '1.5'), (MURMUR, '9' * 5000),
    (RANDOM, 'x'), (RANDOM, ''), (ORDERED, 'xyz'),
])
def test_unreadable_token_texts(ring, text):
    with pytest.raises(TokenError):
        ring.parse(text)


def test_random_does_not_check_the_range_of_tokens():
    assert RANDOM.parse('-5') == -5
    assert RANDOM.ceiling(2**200) >= RANDOM.position(b'x')


@pytest.mark.parametrize('ring', [MURMUR, RANDOM, ORDERED, TEXT], ids=lambda ring: ring.name)
@given(keys=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=20, unique=True))
def test_positions_sort_by_token_then_key_and_give_the_key_back(ring, keys):
    by_position = sorted(keys, key=ring.position)
    if ring is TEXT:
        assert [ring.key(ring.position(key)) for key in by_position] == by_position
        return
    assert by_position == sorted(keys, key=lambda key: (ring.token(key), key))
    for key in keys:
        position = ring.position(key)
        assert ring.key(position) == key
        assert position < ring.after(key) and position < ring.ceiling(ring.token(key))
        smaller = [each for each in keys if ring.token(each) < ring.token(key)]
        assert all(ring.ceiling(ring.token(each)) <= position for each in smaller)


def test_unknown_partitioner():
    with pytest.raises(ValueError, match='NoPartitioner'):
        partitioner('NoPartitioner')
