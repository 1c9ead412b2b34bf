"""Clusters that outlive the command that started them: one per release, kept in the cache's folder."""
import json
import pathlib
import shutil
from typing import List, Optional

from . import cache
from .cluster import Cluster
from .errors import Unavailable
from .node import Node
from .options import Spec, release_of


def _folder(release: str) -> pathlib.Path:
    return cache.folder() / 'background' / release


def _state(release: str) -> Optional['dict[str, str]']:
    path = _folder(release) / 'cluster.json'
    return json.loads(path.read_text()) if path.exists() else None


def start(spec: Spec) -> Cluster:
    """Start a cluster, or start it again on its data; it must be wiped before it becomes another one."""
    state, folder = _state(spec.release), _folder(spec.release)
    if state is not None and state['spec'] != str(spec):
        raise Unavailable(f'there is data of {state["spec"]} in {folder}: wipe it first, or start {state["spec"]}')
    if _running(spec.release):
        raise Unavailable(f'it runs already: --cassandra {state["target"] if state else ""}')
    cluster = Cluster.of(spec, folder=folder, background=True, block=state['block'] if state else None)
    try:
        cluster.start()
    except BaseException:
        if state is None:
            wipe(spec.release)
        raise
    state = {'spec': str(spec), 'block': cluster.hosts[0].rpartition('.')[0], 'target': cluster.target}
    (folder / 'cluster.json').write_text(json.dumps(state))
    return cluster


def _nodes(release: str) -> List[Node]:
    # Their addresses do not matter to who only ends them.
    return [Node('', path) for path in sorted(_folder(release).glob('node*'))]


def _running(release: str) -> bool:
    return any(node.process() is not None for node in _nodes(release))


def stop(version: str) -> None:
    """End the background cluster of a series or release, if there is one; its data stays."""
    for node in _nodes(release_of(version)):
        node.end(patience=20)


def wipe(version: str) -> None:
    """End the background cluster of a series or release, and remove its data."""
    for node in _nodes(release_of(version)):
        node.end(patience=0)
    shutil.rmtree(_folder(release_of(version)), ignore_errors=True)
