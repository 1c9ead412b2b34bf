"""A secret that is looked for in everything that a program could show, in every form in which it may be there."""
import base64
import contextlib
import json
import logging
import pickle
import pprint
import traceback
import urllib.parse
from typing import Any, Iterator, List, Set, Tuple

__all__ = ['Canary', 'Cage']


class Canary:
    """A secret text. `forms` are its bytes as they are, escaped, and encoded in the ways that are in use."""

    def __init__(self, text: str) -> None:
        self.text = text
        data = text.encode('utf-8')
        forms = {data, text.encode('utf-16-le'), text.encode('utf-16-be'), data.hex().encode(),
                 data.hex().upper().encode(), data.hex(' ').encode(), urllib.parse.quote(text).encode(),
                 urllib.parse.quote_plus(text).encode()}
        for escaped in (repr(text), repr(data)[1:], json.dumps(text), ascii(text), repr(repr(text)), repr(repr(data))):
            forms.add(escaped.strip('"\'').encode())
        # Whatever comes before it moves its bits within base64's quadruples.
        for before in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                whole = encode(bytes(before) + data)
                forms.add(whole[-(-8 * before // 6):len(whole) // 4 * 4 - 4])
        self.forms = tuple(form for form in forms if len(form) >= 8)

    def is_in(self, shown: Any) -> bool:
        """Whether text or bytes hold the secret in one of its forms."""
        data = shown.encode('utf-8', 'surrogatepass') if isinstance(shown, str) else bytes(shown)
        return any(form in data for form in self.forms)


class _Records(logging.Handler):
    """Keeps every record as it was: its text, its arguments, its traceback."""

    def __init__(self) -> None:
        logging.Handler.__init__(self, 0)
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter('%(name)s %(message)s %(args)s').format(record))


class Cage:
    """Collects what is shown, each with where it was: `found` tells where the secret got out."""

    def __init__(self, canary: Canary, package: str) -> None:
        self.canary = canary
        self.package = package
        self.looked_at = 0
        self.found: List[str] = []
        self._seen: Set[int] = set()
        self._kept: List[Any] = []

    def look(self, where: str, shown: Any) -> None:
        self.looked_at += 1
        if self.canary.is_in(shown):
            self.found.append(f'{where}: {shown!r:.600}')

    def show(self, where: str, thing: Any) -> None:
        """All ways to print one object, and its pickle where it has one."""
        for how in (repr, str, format, ascii, pprint.pformat):
            self.look(f'{how.__name__} of {where}', how(thing))
        with contextlib.suppress(Exception):    # Not everything can be pickled.
            self.look(f'the pickle of {where}', pickle.dumps(thing))

    def show_attributes(self, where: str, thing: Any) -> None:
        """What debuggers and `vars` print of an object."""
        for name, value in list(vars(thing).items()):
            self.look(f'{where}.{name}', repr(value))

    def catch(self, where: str, error: BaseException) -> None:
        """An exception, its causes, attempts and arguments, as traceback prints it, with the locals of the package."""
        self.look(f'the traceback of {where}', ''.join(traceback.format_exception(type(error), error,
                                                                                error.__traceback__)))
        for each in self._chain(error):
            self.show(f'{type(each).__name__} of {where}', each)
            self.show_attributes(f'{type(each).__name__} of {where}', each)
            for function, name, value in self._locals(each):
                self.look(f'the local {name} in {function}, {where}', value)

    def _chain(self, error: Any) -> Iterator[BaseException]:
        if error is None or id(error) in self._seen:
            return
        self._seen.add(id(error))
        self._kept.append(error)
        yield error
        for following in (error.__cause__, error.__context__, *(each for _, each in getattr(error, 'attempts', ()))):
            yield from self._chain(following)

    def _locals(self, error: BaseException) -> Iterator[Tuple[str, str, str]]:
        step = error.__traceback__
        while step is not None:
            frame = step.tb_frame
            if f'/{self.package}/' in frame.f_code.co_filename:
                for name, value in frame.f_locals.items():
                    yield frame.f_code.co_name, name, repr(value)
            step = step.tb_next

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Every logger at its most talkative, while the block runs."""
        records, root = _Records(), logging.getLogger()
        loggers = [root, *(logging.getLogger(name) for name in list(logging.Logger.manager.loggerDict))]
        before = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        root.addHandler(records)
        try:
            yield
        finally:
            root.removeHandler(records)
            for logger, level in zip(loggers, before):
                logger.setLevel(level)
        for line in records.lines:
            self.look('the log', line)
        self.logged = len(records.lines)
