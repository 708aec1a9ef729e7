"""Model.get_model_path: where a deployed model's files lie."""

import os

from azureml.exceptions import ModelNotFoundException

MODELS = "azureml-models"


def _latest(folder):
    """The highest numbered version under a model's folder."""
    versions = [name for name in os.listdir(folder) if name.isdigit()]
    if not versions:
        raise ModelNotFoundException("there is no version of a model in %s" % folder)
    return max(versions, key=int)


class Model:
    """What an entry script may ask of a model. Registration and deployment belong to the SDK."""

    @staticmethod
    def get_model_path(model_name, version=None, _workspace=None):
        """The path of a deployed model: its single file or folder, or the folder of several files.

        version: the highest one deployed when None. A path relative to the working directory is
        taken when no deployed model has that name, so that scripts run on a desk too.
        Raises ModelNotFoundException.
        """
        root = os.path.join(os.environ.get("AML_APP_ROOT", os.getcwd()), MODELS)
        folder = os.path.join(root, model_name)
        if os.path.isdir(folder):
            folder = os.path.join(folder, str(version or _latest(folder)))
            if not os.path.isdir(folder):
                raise ModelNotFoundException(
                    "model %s has no version %s here; deployed: %s"
                    % (model_name, version, ", ".join(sorted(os.listdir(os.path.dirname(folder)))))
                )
            entries = os.listdir(folder)
            return os.path.join(folder, entries[0]) if len(entries) == 1 else folder
        if os.path.exists(model_name):
            return os.path.abspath(model_name)
        deployed = sorted(os.listdir(root)) if os.path.isdir(root) else []
        raise ModelNotFoundException(
            "model %s is not deployed with this service; deployed: %s"
            % (model_name, ", ".join(deployed) or "none")
        )
