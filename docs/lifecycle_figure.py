"""The life of a process as an SVG drawing, made from its table.

Promise: an arrow for each pair of states that the table connects; no program is needed to draw it. Only where the
boxes stand is decided here.
"""

from __future__ import annotations

from supervisor.process.lifecycle import STEPS
from supervisor.states import ProcessStates, getProcessStateDescription

_S = ProcessStates

WIDTH, HEIGHT = 960, 630
BOX_WIDTH, BOX_HEIGHT = 116, 38

# Centre of each box.
PLACES = {
    _S.STOPPED: (110, 260), _S.STARTING: (430, 90), _S.RUNNING: (790, 90), _S.BACKOFF: (430, 260),
    _S.FATAL: (110, 60), _S.STOPPING: (590, 400), _S.EXITED: (790, 400), _S.UNKNOWN: (430, 590),
}
# How far an arrow bends to its left, and where on it its words stand; the rest is straight.
BENDS = {
    (_S.STOPPED, _S.STARTING): (-30, 0.5), (_S.STARTING, _S.STOPPED): (-30, 0.5), (_S.BACKOFF, _S.STARTING): (-45, 0.5),
    (_S.STARTING, _S.BACKOFF): (-45, 0.5), (_S.FATAL, _S.STARTING): (-20, 0.5), (_S.EXITED, _S.STARTING): (20, 0.62),
    (_S.EXITED, _S.STOPPED): (-120, 0.6), (_S.STARTING, _S.UNKNOWN): (120, 0.6), (_S.RUNNING, _S.UNKNOWN): (-260, 0.5),
    (_S.BACKOFF, _S.FATAL): (40, 0.5), (_S.STOPPING, _S.STOPPED): (-30, 0.4),
}


def edges() -> dict[tuple[int, int], list[str]]:
    """What leads from one state to another; what leaves a process where it is is not drawn."""
    found: dict[tuple[int, int], list[str]] = {}
    for (state, what), step in STEPS.items():
        if step.to != state:
            found.setdefault((state, step.to), []).append(what.value)
    return found


def svg() -> str:
    """The drawing."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'style="max-width:100%" font-family="sans-serif" font-size="12">',
        "<title>States of a process and what leads from one to another</title>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0L10 5L0 10z" fill="#555"/></marker></defs>',
    ]
    arrows = [_arrow(state, to, words) for (state, to), words in edges().items()]
    lines += [line for line, _ in arrows]
    for state, (x, y) in PLACES.items():
        lines.append(f'<rect x="{x - BOX_WIDTH // 2}" y="{y - BOX_HEIGHT // 2}" width="{BOX_WIDTH}" '
                     f'height="{BOX_HEIGHT}" rx="8" fill="#f4f4f4" stroke="#333"/>')
        lines.append(f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-weight="bold">'
                     f"{getProcessStateDescription(state)}</text>")
    lines += [words for _, words in arrows]
    return "\n".join([*lines, "</svg>"])


def _arrow(state: int, to: int, words: list[str]) -> tuple[str, str]:
    (x1, y1), (x2, y2) = PLACES[state], PLACES[to]
    bend, where = BENDS.get((state, to), (0, 0.5))
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    # The control point lies beside the middle, twice as far as the curve bends.
    middle = (x1 + x2) / 2 + 2 * bend * (y1 - y2) / length, (y1 + y2) / 2 + 2 * bend * (x2 - x1) / length
    begin, end = _border((x1, y1), middle), _border((x2, y2), middle)
    line = (f'<path d="M{begin[0]:.0f} {begin[1]:.0f}Q{middle[0]:.0f} {middle[1]:.0f} {end[0]:.0f} {end[1]:.0f}" '
            'fill="none" stroke="#555" marker-end="url(#head)"/>')
    x, y = (sum(share * point[axis] for share, point in zip(
        ((1 - where) ** 2, 2 * where * (1 - where), where**2), (begin, middle, end), strict=True)) for axis in (0, 1))
    y -= 6 * (len(words) - 1)
    text = "".join(f'<tspan x="{x:.0f}" y="{y + 13 * place:.0f}">{word}</tspan>' for place, word in enumerate(words))
    return line, (f'<text text-anchor="middle" stroke="#fff" stroke-width="4" paint-order="stroke" fill="#035">'
                  f"{text}</text>")


def _border(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a box's centre leaves the box."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    share = min(BOX_WIDTH / 2 / abs(dx) if dx else 9, BOX_HEIGHT / 2 / abs(dy) if dy else 9)
    return centre[0] + dx * share, centre[1] + dy * share
