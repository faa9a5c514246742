"""Text as given → clean text with an offset map → passages → tokens. Knows nothing of models or databases."""

from pipeline.text.clean import Clean, clean
from pipeline.text.mask import Found, find_personal_data, mask
from pipeline.text.passages import split_passages
from pipeline.text.segment import JiebaSegmenter, RjiebaSegmenter, Segmenter, dictionary_hash, load_dictionary
from pipeline.text.sentences import split_sentences

__all__ = [
    "Clean",
    "Found",
    "JiebaSegmenter",
    "RjiebaSegmenter",
    "Segmenter",
    "clean",
    "dictionary_hash",
    "find_personal_data",
    "load_dictionary",
    "mask",
    "split_passages",
    "split_sentences",
]
