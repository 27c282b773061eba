"""What a TeX command or character looks like: its sign, its ASCII spelling, and how it is spaced."""

from __future__ import annotations

from typing import NamedTuple


class Symbol(NamedTuple):
    """A sign.

    Attributes:
        text: The sign in Unicode.
        ascii: What stands for it where only ASCII can be shown.
        kind: TeX's class, which decides the space around it: "ord", "op", "bin", "rel", "open", "close",
            "punct", "inner" for a fraction or dots. Besides: "fence" for a bar that may open as well as
            close, "slash" and "post" for signs that stand close to what is before them.
    """

    text: str
    ascii: str
    kind: str


# One line a command: name, sign, ASCII spelling (the name itself where it is left out, as for Greek).
_TABLES = {
    "ord": """
alpha α
beta β
gamma γ
delta δ
epsilon ε
varepsilon ε epsilon
zeta ζ
eta η
theta θ
vartheta ϑ theta
iota ι
kappa κ
lambda λ
mu μ
nu ν
xi ξ
pi π
varpi ϖ pi
rho ρ
varrho ϱ rho
sigma σ
varsigma ς sigma
tau τ
upsilon υ
phi φ
varphi φ phi
chi χ
psi ψ
omega ω
Gamma Γ
Delta Δ
Theta Θ
Lambda Λ
Xi Ξ
Pi Π
Sigma Σ
Upsilon Υ
Phi Φ
Psi Ψ
Omega Ω
ell ℓ l
hbar ℏ
Re ℜ
Im ℑ
imath ı i
jmath ȷ j
infty ∞ inf
partial ∂ d
nabla ∇ grad
emptyset ∅ {}
varnothing ∅ {}
forall ∀
exists ∃
neg ¬ not
lnot ¬ not
top ⊤ T
bot ⊥ _|_
prime ′ '
angle ∠
vdots ⋮ :
ddots ⋱ ...
degree ° deg
dagger † +
star ⋆ *
aleph ℵ
square □ []
checkmark ✓ ok
""",
    "inner": """
ldots … ...
dots … ...
dotsc … ...
dotsb ⋯ ...
cdots ⋯ ...
""",
    "op": """
sum ∑
prod ∏
coprod ∐
int ∫
iint ∬
iiint ∭
oint ∮
bigcup ⋃ union
bigcap ⋂ intersection
bigoplus ⨁ (+)
bigotimes ⨂ (x)
""",
    "bin": """
pm ± +-
mp ∓ -+
times × x
div ÷ /
cdot · *
circ ∘ o
ast ∗ *
bullet • *
odot ⊙ (.)
oplus ⊕ (+)
ominus ⊖ (-)
otimes ⊗ (x)
cup ∪ u
cap ∩ n
setminus ∖
wedge ∧ and
land ∧ and
vee ∨ or
lor ∨ or
""",
    "rel": """
le ≤ <=
leq ≤ <=
leqslant ≤ <=
ge ≥ >=
geq ≥ >=
geqslant ≥ >=
ne ≠ !=
neq ≠ !=
ll ≪ <<
gg ≫ >>
lt <  <
gt > >
equiv ≡ ==
approx ≈ ~=
simeq ≃ ~=
cong ≅ ~=
sim ∼ ~
propto ∝
triangleq ≜ :=
coloneqq ≔ :=
prec ≺ <
succ ≻ >
preceq ⪯ <=
succeq ⪰ >=
in ∈
notin ∉
ni ∋
subset ⊂
subseteq ⊆
supset ⊃
supseteq ⊇
mid | |
parallel ∥ ||
perp ⊥ _|_
vdash ⊢ |-
models ⊨ |=
to → ->
rightarrow → ->
longrightarrow ⟶ -->
leftarrow ← <-
gets ← <-
longleftarrow ⟵ <--
leftrightarrow ↔ <->
Rightarrow ⇒ =>
implies ⟹ ==>
Leftarrow ⇐ <=
Leftrightarrow ⇔ <=>
iff ⟺ <=>
mapsto ↦ |->
longmapsto ⟼ |-->
hookrightarrow ↪ ->
uparrow ↑ ^
downarrow ↓ v
colon : :
""",
    "open": """
lbrace { {
{ { {
lbrack [ [
langle ⟨ <
lfloor ⌊ |_
lceil ⌈ |^
lvert | |
lVert ‖ ||
""",
    "close": """
rbrace } }
} } }
rbrack ] ]
rangle ⟩ >
rfloor ⌋ _|
rceil ⌉ ^|
rvert | |
rVert ‖ ||
""",
    "fence": """
vert | |
Vert ‖ ||
| ‖ ||
""",
}
CHARACTERS = {
    "+": Symbol("+", "+", "bin"),
    "-": Symbol("−", "-", "bin"),
    "*": Symbol("∗", "*", "bin"),
    "=": Symbol("=", "=", "rel"),
    "<": Symbol("<", "<", "rel"),
    ">": Symbol(">", ">", "rel"),
    ":": Symbol(":", ":", "rel"),
    ",": Symbol(",", ",", "punct"),
    ";": Symbol(";", ";", "punct"),
    "(": Symbol("(", "(", "open"),
    "[": Symbol("[", "[", "open"),
    ")": Symbol(")", ")", "close"),
    "]": Symbol("]", "]", "close"),
    "|": Symbol("|", "|", "fence"),
    "/": Symbol("/", "/", "slash"),
    ".": Symbol(".", ".", "post"),
    "!": Symbol("!", "!", "post"),
}
# Upright names. Those in LIMITS carry a subscript underneath in a display, the others at their foot.
_NAMES = """
arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln
log max min Pr sec sin sinh sup tan tanh
"""
_NAMES_WITH_LIMITS = "inf lim liminf limsup max min sup Pr det gcd"
FUNCTIONS = frozenset(_NAMES.split())
LIMITS = frozenset(_NAMES_WITH_LIMITS.split()) | frozenset("∑∏∐⋃⋂⨁⨂")
INTEGRALS = frozenset("∫∬∭∮")
SPACES = {"!": 0, ",": 1, ":": 1, ">": 1, ";": 1, " ": 1, "enspace": 1, "thinspace": 1, "quad": 2, "qquad": 4}
ESCAPED = frozenset("%$#&_")  # a backslash before these only shows them
ACCENTS = {
    "bar": "\u0304",
    "overline": "\u0304",
    "hat": "\u0302",
    "widehat": "\u0302",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "dot": "\u0307",
    "ddot": "\u0308",
    "vec": "\u20d7",
    "check": "\u030c",
    "breve": "\u0306",
    "underline": "\u0332",
}
ACCENT_NAMES = {"overline": "bar", "widehat": "hat", "widetilde": "tilde"}


def _read_tables() -> dict[str, Symbol]:
    table = {}
    for kind, lines in _TABLES.items():
        for line in lines.strip().splitlines():
            name, text, *spelling = line.split()
            table[name] = Symbol(text, spelling[0] if spelling else name, kind)
    return table


COMMANDS = _read_tables()
