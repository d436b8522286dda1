"""Recall against QPS as SVG, one panel a data set; readable on light and on dark pages."""

import math
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP, LEGEND = 300, 260, 62, 58, 46, 46, 128
RECALLS = (0.8, 0.9, 0.95, 0.99, 0.999)
LOWEST, HIGHEST = 0.75, 0.9995
# Middle tones: enough contrast against white and against #0d1117; the dash and the marker tell them apart without colour.
LOOKS = {"lakehouse": ("#d6336c", "", "circle"), "hnswlib": ("#2f81f7", "", "square"), "usearch-f32": ("#2da44e", "", "circle"),
         "usearch-bf16": ("#2da44e", "5 3", "square"), "faiss-flat": ("#c2790a", "", "circle"), "faiss-sq8": ("#c2790a", "5 3", "square")}
STYLE = """text { font: 12px system-ui, sans-serif; fill: #24292f } .quiet { fill: #57606a } .grid { stroke: #8c959f; stroke-opacity: .35 }
.axis { stroke: #57606a; fill: none } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .quiet { fill: #9198a1 } .axis { stroke: #9198a1 } }"""


def draw(curves):
    """SVG text. `curves`: panel title -> engine -> [{"recall", "cpu_qps"}]; QPS and 1 - recall are drawn on logarithmic scales."""
    seen = [point["cpu_qps"] for engines in curves.values() for curve in engines.values() for point in shown(curve)] or [1, 10]
    low, high = math.floor(math.log10(min(seen)) * 3) / 3, math.ceil(math.log10(max(seen)) * 3) / 3
    total = LEFT + max(len(curves) * (WIDTH + GAP), len(LOOKS) * LEGEND)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {TOP + HEIGHT + BOTTOM}" role="img" '
             f'aria-label="Recall at 10 against queries per CPU second, one thread"><style>{STYLE}</style>', legend(curves)]
    for nth, (title, engines) in enumerate(curves.items()):
        parts.append(panel(LEFT + nth * (WIDTH + GAP), title, engines, low, high, nth == 0))
    return "\n".join([*parts, "</svg>\n"])


def shown(curve):
    return [point for point in curve if LOWEST <= point["recall"] <= HIGHEST]


def across(recall):
    first, last = -math.log10(1 - LOWEST), -math.log10(1 - HIGHEST)
    return (-math.log10(1 - recall) - first) / (last - first) * WIDTH


def legend(curves):
    engines = [engine for engine in LOOKS if any(engine in panel for panel in curves.values())]
    parts = []
    for nth, engine in enumerate(engines):
        left = LEFT + nth * LEGEND
        parts.append(f'{line(engine, [(left, 14), (left + 28, 14)])}{mark(engine, left + 14, 14)}<text x="{left + 34}" y="18">{escape(engine)}</text>')
    return "".join(parts)


def line(engine, points):
    colour, dash, _ = LOOKS[engine]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def mark(engine, x, y):
    colour, _, shape = LOOKS[engine]
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{colour}"/>'


def panel(left, title, engines, low, high, labelled):
    def up(qps):
        return TOP + HEIGHT - (math.log10(qps) - low) / (high - low) * HEIGHT
    parts = [f'<text x="{left}" y="{TOP - 12}" font-weight="600">{escape(title)}</text>']
    for recall in RECALLS:
        x = left + across(recall)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HEIGHT}"/>'
                     f'<text class="quiet" x="{x:.1f}" y="{TOP + HEIGHT + 17}" text-anchor="middle">{recall:g}</text>')
    for power in range(math.floor(low), math.ceil(high) + 1):
        for step in (1, 2, 5):
            qps = step * 10 ** power
            if low <= math.log10(qps) <= high:
                parts.append(f'<line class="grid" x1="{left}" x2="{left + WIDTH}" y1="{up(qps):.1f}" y2="{up(qps):.1f}"/>'
                             f'<text class="quiet" x="{left - 6}" y="{up(qps) + 4:.1f}" text-anchor="end">{qps:,}</text>')
    parts.append(f'<rect class="axis" x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}"/>'
                 f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">recall@10</text>')
    if labelled:
        middle = TOP + HEIGHT / 2
        parts.append(f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">queries per CPU second, one thread</text>')
    for engine in [one for one in LOOKS if one in engines]:
        points = [(left + across(point["recall"]), up(point["cpu_qps"])) for point in shown(engines[engine])]
        parts.append(line(engine, points) + "".join(mark(engine, x, y) for x, y in points))
    return "".join(parts)
