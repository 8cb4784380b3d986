"""The Transformer encoder-decoder of Vaswani et al. 2017, in the shape that Glossa runs.

Legend: B sentences, S source tokens, T target tokens, D model width, H heads, F feed-forward width, V vocabulary.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class ModelConfig:
    vocab: int
    d_model: int = 256
    ffn: int = 1024
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 2
    norm: str = "post"  # post | pre
    norm_epsilon: float = 1e-5
    activation: str = "relu"  # relu | silu | gelu-erf | gelu-tanh | gelu-sigmoid
    position: str = "sinusoid-interleaved"  # sinusoid-halves | sinusoid-marian | learned
    tied_output: bool = True
    output_bias: bool = True
    start: str = "bos"  # what the decoder starts from: the begin token, or (as in Marian) zero-vector
    context: int = 512
    pad: int = 0
    unk: int = 1
    bos: int = 2
    eos: int = 3
    dropout: float = field(default=0.1)
    activation_dropout: float = field(default=0.0)


@dataclass
class Hypothesis:
    score: float
    ids: list[int]  # the end included, unless the length ran out
    log_probability: list[float]  # of each token


ACTIVATIONS = {
    "relu": F.relu,
    "silu": F.silu,
    "gelu-erf": F.gelu,
    "gelu-tanh": lambda x: F.gelu(x, approximate="tanh"),
    "gelu-sigmoid": lambda x: x * torch.sigmoid(1.702 * x),
}


def sinusoids(kind: str, length: int, d: int) -> Tensor:
    """Position table (length, D); the three layouts differ in order and in the last frequency."""
    half = d // 2
    position = torch.arange(length, dtype=torch.float64)[:, None]
    index = torch.arange(half, dtype=torch.float64)[None, :]
    divisor = half - 1 if kind == "sinusoid-marian" else half
    angle = position * torch.exp(-math.log(10000.0) * index / divisor)
    if kind == "sinusoid-interleaved":
        table = torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(length, d)
    else:
        table = torch.cat([angle.sin(), angle.cos()], dim=-1)
    return table.float()


class Dropout(nn.Module):
    """Dropout whose masks are random windows of one random pool: on a CPU a fresh Bernoulli draw costs as much as a layer."""

    pool: dict[float, Tensor] = {}

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        if x.is_cuda:
            return F.dropout(x, self.p)
        size = 1 << 24
        if self.p not in Dropout.pool:
            mask = torch.rand(size) >= self.p
            Dropout.pool[self.p] = mask.to(torch.bfloat16) / (1 - self.p)
        n = x.numel()
        if n > size:
            return F.dropout(x, self.p)
        start = int(torch.randint(0, size - n + 1, ()))
        return x * Dropout.pool[self.p][start : start + n].view(x.shape).to(x.dtype)


def as_int8(weight: Tensor) -> Tensor:
    """A matrix as a checkpoint stores it, int8 with a scale for each row. Gradients pass (Bengio et al. 2013)."""
    scale = weight.detach().abs().amax(-1, keepdim=True).clamp(min=1e-12) / 127
    return weight + ((weight / scale).round() * scale - weight).detach()


def as_7_bits(x: Tensor) -> Tensor:
    """Rows of activations as the engine multiplies them, 0..127 with a scale and a zero for each row. Gradients pass."""
    part = x.detach().float()
    low, high = part.amin(-1, keepdim=True).clamp(max=0), part.amax(-1, keepdim=True).clamp(min=0)
    scale = ((high - low) / 127).clamp(min=1e-12)
    zero = (-low / scale).round()
    return x + (((part / scale).round() + zero).clamp(0, 127).sub(zero).mul(scale) - part).to(x.dtype)


class Linear(nn.Linear):
    """A linear layer that can compute as the engine will, so that training makes up for what int8 costs."""

    int8 = False

    def forward(self, x: Tensor) -> Tensor:
        return multiply(x, self.weight, self.bias, self.int8)


def multiply(x: Tensor, weight: Tensor, bias: Tensor | None, int8: bool) -> Tensor:
    return F.linear(as_7_bits(x), as_int8(weight), bias) if int8 else F.linear(x, weight, bias)


class Attention(nn.Module):
    """Multi-head scaled dot-product attention (section 3.2)."""

    def __init__(self, d: int, heads: int, cross: bool):
        super().__init__()
        self.heads, self.cross = heads, cross
        self.q = Linear(d, d)
        self.k = Linear(d, d)
        self.v = Linear(d, d)
        self.o = Linear(d, d)
        for linear in (self.q, self.k, self.v, self.o):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def split(self, x: Tensor) -> Tensor:  # (B, T, D) -> (B, H, T, D/H)
        b, t, d = x.shape
        return x.view(b, t, self.heads, d // self.heads).transpose(1, 2)

    def project_query(self, x: Tensor) -> Tensor:
        return self.split(self.q(x))

    def project_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.split(self.k(memory)), self.split(self.v(memory))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
        b, h, t, dh = q.shape
        if q.is_cuda:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
        else:  # short sentences: the plain form is faster on a CPU
            scores = q @ k.transpose(-1, -2) * dh**-0.5
            if causal:
                mask = torch.ones(t, t, dtype=torch.bool, device=q.device).tril()
            if mask is not None:
                scores = scores.masked_fill(~mask, float("-inf"))
            out = scores.softmax(-1).to(v.dtype) @ v
        return self.o(out.transpose(1, 2).reshape(b, t, h * dh))

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
        if self.cross:
            q = self.project_query(x)
            k, v = self.project_memory(memory)
        else:  # one product for the three projections
            weight = torch.cat([self.q.weight, self.k.weight, self.v.weight])
            bias = torch.cat([self.q.bias, self.k.bias, self.v.bias])
            q, k, v = map(self.split, multiply(x, weight, bias, self.q.int8).chunk(3, dim=-1))
        return self.attend(q, k, v, mask, causal)

    def weights(self, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        """All attention weights (B, H, T, S)."""
        q = self.project_query(x).float()
        k = self.split(self.k(memory)).float()
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        return scores.softmax(-1)

    def head_log_weights(self, x: Tensor, memory: Tensor, mask: Tensor, head: int) -> Tensor:
        """Log attention weights of one head (B, T, S), for guided alignment (Chen et al. 2016)."""
        dh = x.shape[-1] // self.heads
        rows = slice(head * dh, (head + 1) * dh)
        q = F.linear(x, self.q.weight[rows], self.q.bias[rows]).float()
        k = F.linear(memory, self.k.weight[rows], self.k.bias[rows]).float()
        scores = q @ k.transpose(-1, -2) / math.sqrt(dh)
        return scores.masked_fill(~mask[:, 0], float("-inf")).log_softmax(-1)


class FeedForward(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.up = Linear(c.d_model, c.ffn)
        self.down = Linear(c.ffn, c.d_model)
        self.activation = ACTIVATIONS[c.activation]
        self.dropout = Dropout(c.activation_dropout)
        for linear in (self.up, self.down):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.dropout(self.activation(self.up(x))))


class Sublayer(nn.Module):
    """Residual and norm around a sub-layer: post-norm LN(x + f(x)), or pre-norm x + f(LN(x))."""

    def __init__(self, c: ModelConfig):
        super().__init__()
        self.pre = c.norm == "pre"
        self.norm = nn.LayerNorm(c.d_model, c.norm_epsilon)
        self.dropout = Dropout(c.dropout)

    def inner(self, x: Tensor) -> Tensor:
        return self.norm(x) if self.pre else x

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        x = x + self.dropout(y).to(x.dtype)
        return x if self.pre else self.norm(x)


class EncoderLayer(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.attn = Attention(c.d_model, c.heads, cross=False)
        self.attn_norm = Sublayer(c)
        self.ffn = FeedForward(c)
        self.ffn_norm = Sublayer(c)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.attn_norm.inner(x)
        x = self.attn_norm.join(x, self.attn(y, y, mask))
        return self.ffn_norm.join(x, self.ffn(self.ffn_norm.inner(x)))


class DecoderLayer(nn.Module):
    def __init__(self, c: ModelConfig):
        super().__init__()
        self.attn = Attention(c.d_model, c.heads, cross=False)
        self.attn_norm = Sublayer(c)
        self.cross_attn = Attention(c.d_model, c.heads, cross=True)
        self.cross_attn_norm = Sublayer(c)
        self.ffn = FeedForward(c)
        self.ffn_norm = Sublayer(c)

    def forward(self, x: Tensor, memory: Tensor, memory_mask: Tensor | None, align_head: int | None = None):
        y = self.attn_norm.inner(x)
        x = self.attn_norm.join(x, self.attn(y, y, None, causal=True))
        y = self.cross_attn_norm.inner(x)
        alignment = None if align_head is None else self.cross_attn.head_log_weights(y, memory, memory_mask, align_head)
        x = self.cross_attn_norm.join(x, self.cross_attn(y, memory, memory_mask))
        return self.ffn_norm.join(x, self.ffn(self.ffn_norm.inner(x))), alignment

    def step(self, x: Tensor, cache: dict, memory_mask: Tensor) -> Tensor:
        """One position (B, 1, D) with a key/value cache."""
        y = self.attn_norm.inner(x)
        k, v = self.attn.project_memory(y)
        if "k" in cache:
            k, v = torch.cat([cache["k"], k], dim=2), torch.cat([cache["v"], v], dim=2)
        cache["k"], cache["v"] = k, v
        x = self.attn_norm.join(x, self.attn.attend(self.attn.project_query(y), k, v, None))
        y = self.cross_attn_norm.inner(x)
        q = self.cross_attn.project_query(y)
        x = self.cross_attn_norm.join(x, self.cross_attn.attend(q, cache["mk"], cache["mv"], memory_mask))
        return self.ffn_norm.join(x, self.ffn(self.ffn_norm.inner(x)))


class SmoothedCrossEntropy(torch.autograd.Function):
    """Mean label-smoothed cross-entropy of a linear layer, with its gradients, in chunks that stay in the cache.

    Never holds all logits (N, V); x (N, D), weight (V, D), bias (V), target (N). With a `share` below 1 it takes, of the
    tokens that are no target in the batch, only so many, drawn anew each time: they stand for the others too, so what a
    softmax divides by is right on average (importance sampling, Bengio and Senecal 2003). Rows and tokens are rounded up
    to shapes that come again, since on a CPU each shape is compiled. `each` (N): what the loss of each token counts.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, target, smoothing, dtype, share, each):
        n, v = x.shape[0], weight.shape[0]
        some = None
        times = torch.full((v,), 1.0, device=x.device)  # how many tokens each one stands for
        if share < 1:
            taken = torch.zeros(v, dtype=torch.bool, device=x.device)
            taken[target] = True
            others = torch.nonzero(~taken).flatten()
            targets = v - len(others)
            asked = targets + share * len(others)
            drawn = min(len(others), math.ceil(asked / 256) * 256 - targets)
            others = others[torch.randperm(len(others), device=x.device)]
            times[others[:drawn]] = len(others) / max(1, drawn)
            taken[others[:drawn]] = True
            some = torch.nonzero(taken).flatten()
            target = torch.searchsorted(some, target)
            times, whole, weight, bias = times[some], weight, weight[some], bias[some]
        smooth, weighty = times * (smoothing / v), times.log()
        w = weight.to(dtype)
        extra = -n % 128
        x, target = F.pad(x, (0, 0, 0, extra)), F.pad(target, (0, extra))
        each = x.new_ones(n) if each is None else each
        each = F.pad(each, (0, extra))[:, None]  # what was added counts nothing
        grad_x, grad_w = torch.empty_like(x), torch.zeros_like(weight)
        grad_b, loss = torch.zeros_like(bias), 0.0
        step = 512 if x.device.type == "cpu" else 16384
        for at in range(0, n, step):
            rows, want = x[at : at + step], target[at : at + step]
            part = rows.to(dtype)
            logits = (part @ w.T).float().add_(bias)
            hit = logits.gather(1, want[:, None])
            mean = logits @ smooth[:, None]
            if some is not None:
                logits += weighty
            p = logits.softmax(1)
            log_total = logits.amax(1, keepdim=True) - p.amax(1, keepdim=True).log()
            counts = each[at : at + step]
            loss += (counts * (log_total - (1 - smoothing) * hit - mean)).sum().item()
            p.sub_(smooth).scatter_add_(1, want[:, None], torch.full_like(hit, smoothing - 1)).mul_(counts / n)
            grad_b += p.sum(0)
            grad = p.to(dtype)
            grad_x[at : at + len(rows)] = (grad @ w).to(x.dtype)
            grad_w += (grad.T @ part).to(weight.dtype)
        if some is not None:
            grad_w = torch.zeros_like(whole).index_copy_(0, some, grad_w)
            grad_b = grad_b.new_zeros(v).index_copy_(0, some, grad_b)
        ctx.save_for_backward(grad_x[:n], grad_w, grad_b)
        return x.new_tensor(loss / n, dtype=torch.float32)

    @staticmethod
    def backward(ctx, grad):
        return *(g * grad for g in ctx.saved_tensors), None, None, None, None, None


def ban_ill_formed(logp: Tensor, first_byte: int, tokens: Tensor, left: Tensor) -> None:
    """Leaves in logp (rows, V) what may follow tokens (rows, T) in UTF-8: pieces and first bytes of a character, or the
    next byte of one that is open. A character of several bytes must fit into the tokens that are `left` (rows)."""
    tails = {}
    last = tokens[:, -1] - first_byte
    for row in torch.nonzero((last >= 0x80) & (last < 0x100)).flatten().tolist():
        tail = [x - first_byte for x in tokens[row, -3:].tolist()]
        start = next((i for i in range(len(tail)) if is_cut(tail[i:])), None)
        if start is not None:
            tails[row] = (tail[start:], logp[row].clone())
    logp[:, [first_byte + byte for byte in (*range(0x80, 0xC2), *range(0xF5, 0x100))]] = float("-inf")
    for size, leads in ((2, range(0xC2, 0xE0)), (3, range(0xE0, 0xF0)), (4, range(0xF0, 0xF5))):
        few = torch.nonzero(left < size).flatten()
        for byte in leads if len(few) else ():
            logp[few, first_byte + byte] = float("-inf")
    for row, (tail, values) in tails.items():
        logp[row] = float("-inf")
        for byte in range(0x80, 0xC0):
            if is_cut([*tail, byte]) or is_whole([*tail, byte]):
                logp[row, first_byte + byte] = values[first_byte + byte]


def is_whole(values: list[int]) -> bool:
    try:
        return len(bytes(values).decode()) == 1
    except ValueError:
        return False


def is_cut(values: list[int]) -> bool:
    """Whether these are the first bytes of one character, but not all."""
    try:
        bytes(values).decode()
    except UnicodeDecodeError as error:
        return error.start == 0 and error.reason == "unexpected end of data"
    except ValueError:  # more than a byte
        pass
    return False


class Transformer(nn.Module):
    int8 = False

    def __init__(self, c: ModelConfig):
        super().__init__()
        self.config = c
        self.embedding = nn.Embedding(c.vocab, c.d_model)
        nn.init.normal_(self.embedding.weight, std=c.d_model**-0.5)
        if c.position == "learned":
            self.encoder_position = nn.Embedding(c.context, c.d_model)
            self.decoder_position = nn.Embedding(c.context, c.d_model)
            nn.init.normal_(self.encoder_position.weight, std=0.02)
            nn.init.normal_(self.decoder_position.weight, std=0.02)
        else:
            self.register_buffer("position", sinusoids(c.position, c.context, c.d_model), persistent=False)
        self.encoder = nn.ModuleList(EncoderLayer(c) for _ in range(c.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(c) for _ in range(c.decoder_layers))
        if c.norm == "pre":
            self.encoder_norm = nn.LayerNorm(c.d_model, c.norm_epsilon)
            self.decoder_norm = nn.LayerNorm(c.d_model, c.norm_epsilon)
        if not c.tied_output:
            self.output = Linear(c.d_model, c.vocab, bias=False)
            nn.init.normal_(self.output.weight, std=c.d_model**-0.5)
        if c.output_bias:
            self.output_bias = nn.Parameter(torch.zeros(c.vocab))
        self.dropout = Dropout(c.dropout)

    def compute_as_int8(self, int8: bool) -> None:
        """Whether every product and the embedding go as in the engine, in steps of int8, while gradients stay exact."""
        for module in self.modules():
            if hasattr(module, "int8"):
                module.int8 = int8

    def embed(self, ids: Tensor, side: str, start: int = 0) -> Tensor:
        stop = start + ids.shape[1]
        if self.config.position == "learned":
            table = self.encoder_position if side == "encoder" else self.decoder_position
            position = table.weight[start:stop]
        else:
            position = self.position[start:stop]
        weight = as_int8(self.embedding.weight) if self.int8 else self.embedding.weight
        x = F.embedding(ids, weight) * math.sqrt(self.config.d_model)
        if side == "decoder" and start == 0 and self.config.start == "zero-vector":
            x = torch.cat([torch.zeros_like(x[:, :1]), x[:, 1:]], dim=1)
        return self.dropout(x + position)

    def logits(self, x: Tensor) -> Tensor:
        weight = self.embedding.weight if self.config.tied_output else self.output.weight
        return multiply(x, weight, self.output_bias if self.config.output_bias else None, self.int8)

    def cross_entropy(
        self,
        x: Tensor,
        target: Tensor,
        smoothing: float,
        dtype: torch.dtype,
        share: float = 1.0,
        each: Tensor | None = None,
    ) -> Tensor:
        weight = self.embedding.weight if self.config.tied_output else self.output.weight
        bias = self.output_bias if self.config.output_bias else torch.zeros(len(weight), device=x.device)
        if self.int8:
            x, weight = as_7_bits(x), as_int8(weight)
        return SmoothedCrossEntropy.apply(x, weight, bias, target, smoothing, dtype, share, each)

    def mask(self, source: Tensor) -> Tensor:  # (B, 1, 1, S), true where a token may be attended to
        return (source != self.config.pad)[:, None, None, :]

    def encode(self, source: Tensor) -> Tensor:
        x, mask = self.embed(source, "encoder"), self.mask(source)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x) if self.config.norm == "pre" else x

    def decode(self, target_in: Tensor, memory: Tensor, mask: Tensor, align_head: int | None = None):
        """Hidden states (B, T, D) and, if asked, log weights of one head of the last layer."""
        x, alignment = self.embed(target_in, "decoder"), None
        for i, layer in enumerate(self.decoder):
            last = i == len(self.decoder) - 1
            x, alignment = layer(x, memory, mask, align_head if last else None)
        return (self.decoder_norm(x) if self.config.norm == "pre" else x), alignment

    def begin(self, source: Tensor, count: int) -> tuple[list[dict], Tensor]:
        """What decoding position by position needs, `count` rows for each sentence: caches of the layers, source mask."""
        memory, caches = self.encode(source), []
        for layer in self.decoder:
            mk, mv = layer.cross_attn.project_memory(memory)
            caches.append({"mk": mk.repeat_interleave(count, 0), "mv": mv.repeat_interleave(count, 0)})
        return caches, self.mask(source).repeat_interleave(count, 0)

    def next_logits(self, last: Tensor, t: int, caches: list[dict], mask: Tensor) -> Tensor:
        """Logits (rows, V) of what follows the tokens `last` (rows, 1) of position t; the caches grow."""
        x = self.embed(last, "decoder", t)
        for layer, cache in zip(self.decoder, caches):
            x = layer.step(x, cache, mask)
        if self.config.norm == "pre":
            x = self.decoder_norm(x)
        return self.logits(x[:, 0]).float()

    @torch.no_grad()
    def sample(self, source: Tensor, count: int, limit: int, top: int, temperature: float) -> Tensor:
        """`count` translations of each sentence of at most `limit` tokens, each drawn from the `top` best:
        (B * count, T), padded."""
        c = self.config
        caches, mask = self.begin(source, count)
        out = torch.full((len(mask), limit), c.pad, device=source.device)
        rows = torch.arange(len(mask), device=source.device)  # of `out`, those that go on
        last = torch.full((len(mask), 1), c.bos, device=source.device)
        for t in range(limit):
            logits = self.next_logits(last, t, caches, mask)
            logits[:, [c.unk, c.pad, c.bos]] = float("-inf")
            best, index = logits.topk(top)
            gumbel = torch.empty_like(best).exponential_().log_().neg_()
            last = index.gather(1, (best / temperature + gumbel).argmax(1, keepdim=True))
            out[rows, t] = last[:, 0]
            going = torch.nonzero(last[:, 0] != c.eos).flatten()
            if len(going) == 0:
                return out[:, : t + 1]
            if len(going) < len(rows):
                rows, last, mask = rows[going], last[going], mask[going]
                caches = [{name: x[going] for name, x in cache.items()} for cache in caches]
        return out

    @torch.no_grad()
    def translate(
        self, source: Tensor, beam: int = 1, normalize: float = 1.0, limit: int = 0, first_byte: int = -1
    ) -> list[list["Hypothesis"]]:
        """Beam search by the rules of the engine (src/search/beam.c), sentence by sentence the finished hypotheses, best first.

        score = sum(log p) / length^normalize, end-of-sentence counted. Of the 2 x beam best candidates, those that end
        within the first `beam` are finished and the others go on. A sentence is done when `beam` hypotheses are finished
        and no live one can beat the best of them, at the latest after `limit` tokens (2 x source + 10 where 0), when
        the live ones end as they are. `unk`, `pad` and `bos` are never produced. `first_byte`: the piece of byte 0, which
        those of the others follow; byte pieces then make well-formed characters only.
        """
        c = self.config
        b, dev = source.shape[0], source.device
        limits = [min(c.context, limit or 2 * n + 10) for n in (source != c.pad).sum(1).tolist()]
        caches, mask = self.begin(source, beam)
        tokens = torch.full((b * beam, 1), c.bos, device=dev)
        logps = torch.zeros(b * beam, 0, device=dev)
        scores = torch.full((b, beam), float("-inf"), device=dev)
        scores[:, 0] = 0.0
        finished: list[list[Hypothesis]] = [[] for _ in range(b)]
        done = [False] * b
        left = torch.tensor(limits, device=dev).repeat_interleave(beam)
        candidates = 1 if beam == 1 else 2 * beam
        for t in range(max(limits)):
            logp = self.next_logits(tokens[:, -1:], t, caches, mask).log_softmax(-1)
            logp[:, [c.unk, c.pad, c.bos]] = float("-inf")
            if first_byte >= 0:
                ban_ill_formed(logp, first_byte, tokens, left - t)
            logp = logp.view(b, beam, -1)
            top, index = (scores[:, :, None] + logp).flatten(1).topk(candidates)
            rows, words = index // c.vocab, index % c.vocab
            new_rows = torch.zeros(b, beam, dtype=torch.long)
            new_words = torch.full((b, beam), c.eos)
            new_scores = torch.full((b, beam), float("-inf"))
            for i in range(b):
                if done[i]:
                    continue
                live = 0
                for rank, (s, r, w) in enumerate(zip(top[i].tolist(), rows[i].tolist(), words[i].tolist())):
                    if s == float("-inf") or live == beam:
                        break
                    at = i * beam + r
                    ended = w == c.eos
                    if (ended and rank < beam) or (not ended and t + 1 == limits[i]):
                        history = [*logps[at].tolist(), logp[i, r, w].item()]
                        finished[i].append(Hypothesis(s / (t + 1) ** normalize, [*tokens[at, 1:].tolist(), w], history))
                    if not ended:
                        new_rows[i, live], new_words[i, live], new_scores[i, live] = r, w, s
                        live += 1
                finished[i].sort(key=lambda h: -h.score)
                if live == 0 or t + 1 == limits[i] or (beam == 1 and finished[i]):
                    done[i] = True
                elif len(finished[i]) >= beam:
                    best = max(new_scores[i, 0].item() / n**normalize for n in (t + 2, limits[i]))
                    done[i] = best <= finished[i][0].score
            if all(done):
                break
            flat = (torch.arange(b)[:, None] * beam + new_rows).flatten().to(dev)
            words_flat = new_words.flatten().to(dev)
            chosen = logp.view(b * beam, -1)[flat, words_flat]
            tokens = torch.cat([tokens[flat], words_flat[:, None]], dim=1)
            logps = torch.cat([logps[flat], chosen[:, None]], dim=1)
            scores = new_scores.to(dev)
            for cache in caches:
                cache["k"], cache["v"] = cache["k"][flat], cache["v"][flat]
        return [hypotheses[:beam] for hypotheses in finished]
