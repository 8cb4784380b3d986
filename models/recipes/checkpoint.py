"""Reads a Glossa checkpoint back into PyTorch, to train on from a model that ships or to compare with the engine."""

from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from sentencepiece import sentencepiece_model_pb2 as proto

from export import canonical
from model import ModelConfig, Transformer


def load(path: Path) -> Transformer:
    """The model, ready to translate: scale times integer where the checkpoint has int8."""
    reader = GGUFReader(path)
    tensors = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}

    def key(name: str):
        return reader.fields[name].contents()

    config = ModelConfig(
        vocab=len(key("tokenizer.ggml.tokens")),
        d_model=key("glossa.embedding_length"),
        ffn=key("glossa.feed_forward_length"),
        heads=key("glossa.attention.head_count"),
        encoder_layers=key("glossa.encoder.block_count"),
        decoder_layers=key("glossa.decoder.block_count"),
        norm=key("glossa.norm.placement"),
        start="zero-vector" if key("glossa.decoder.start") == "zero-vector" else "bos",
        norm_epsilon=key("glossa.norm.epsilon"),
        activation=key("glossa.activation"),
        position=key("glossa.position"),
        tied_output="output.weight" not in tensors,
        output_bias="output.bias" in tensors,
        context=key("glossa.context_length"),
        dropout=0.0,
    )
    model = Transformer(config)
    state = model.state_dict()
    for name, tensor in state.items():
        (canon,) = canonical({name: tensor})
        values = tensors[canon].astype(np.float32)
        if tensors[canon].dtype == np.int8:
            values = values * tensors[canon.replace(".weight", ".scale")].reshape(-1, 1)
        state[name] = torch.from_numpy(values.reshape(tensor.shape))
    model.load_state_dict(state)
    return model.eval()


def vocabulary(path: Path) -> bytes:
    """The tokenizer as a SentencePiece model."""
    reader = GGUFReader(path)

    def key(name: str):
        return reader.fields[f"tokenizer.ggml.{name}"].contents()

    if key("model") != "unigram":
        raise ValueError(f"{path}: tokenizer.ggml.model is {key('model')}; only unigram can be trained on")
    model = proto.ModelProto()
    kinds = key("token_type")
    for piece, score, kind in zip(key("tokens"), key("scores"), kinds):
        model.pieces.add(piece=piece, score=score, type=kind)
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    trainer.model_type, trainer.vocab_size = proto.TrainerSpec.UNIGRAM, len(model.pieces)
    trainer.byte_fallback = proto.ModelProto.SentencePiece.BYTE in kinds
    trainer.treat_whitespace_as_suffix = key("treat_whitespace_as_suffix")
    trainer.unk_id, trainer.bos_id = key("unknown_token_id"), key("bos_token_id")
    trainer.eos_id, trainer.pad_id = key("eos_token_id"), key("padding_token_id")
    normalizer.name = "user_defined"
    normalizer.precompiled_charsmap = bytes(key("precompiled_charsmap"))
    normalizer.add_dummy_prefix = key("add_space_prefix")
    normalizer.remove_extra_whitespaces = key("remove_extra_whitespaces")
    normalizer.escape_whitespaces = key("escape_whitespaces")
    return model.SerializeToString()
