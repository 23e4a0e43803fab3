"""Own letters for romanised messages, as a component of Rasa's pipeline.

It stands before the featurizer. Entities and forms keep the text as it was typed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from engine.examples import read_examples
from engine.romanised.reader import Reader, learnt

NATIVE_TEXT = "native_text"


def native_text(message: Message) -> str:
    """The text to understand: in its language's own letters where it was typed in others."""
    return str(message.get(NATIVE_TEXT) or message.get(TEXT) or "")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class NativeLetters(GraphComponent):
    """Sets what `native_text` returns. ``examples`` is the directory of the training messages.

    Rasa does not say which language a training message is in; the folders below ``examples`` do.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """See the class."""
        return {"examples": "nlu"}

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        reader: Optional[Reader] = None,
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._reader = reader

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NativeLetters:
        """Creates an untrained component."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns words and languages; raises ``RasaException`` without messages in folders."""
        examples = list(read_examples(Path(self._config["examples"])))
        if not examples:
            raise RasaException(f"No training messages in folders of {self._config['examples']}.")
        texts = [example.text for example in examples]
        self._reader = learnt(texts, [example.language for example in examples])
        with self._model_storage.write_to(self._resource) as directory:
            self._reader.save(directory)
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NativeLetters:
        """Loads what was learnt; raises when it is missing rather than staying silent."""
        with model_storage.read_from(resource) as directory:
            reader = Reader.open(directory)
        return cls(config, model_storage, resource, reader)

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets the native text of every message that is not a payload."""
        for message in messages:
            text = message.get(TEXT)
            if self._reader and text and not text.startswith("/"):
                native = self._reader.native(text)
                if native != text:
                    # Actions search with it: offers are written in their language's letters.
                    message.set(NATIVE_TEXT, native, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Adds a twin in its own letters beside every romanised message.

        The message as typed stays: the detector misses some, and what is learnt from it helps
        with languages that nobody trained.
        """
        twins = [Message(dict(example.data)) for example in training_data.training_examples]
        self.process(twins)
        read = [twin for twin in twins if twin.get(NATIVE_TEXT)]
        return training_data.merge(TrainingData(training_examples=read))
