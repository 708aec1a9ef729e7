"""Model.deploy: from models and configurations to one create request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, List, Optional

from slipway import _names
from slipway._aks_configuration import AksServiceDeploymentConfiguration
from slipway._progress import Progress
from slipway._wire import Json
from slipway.exceptions import WebserviceException
from slipway.webservice import Webservice, operation_id

if TYPE_CHECKING:
    from slipway.compute import ComputeTarget
    from slipway.inference import InferenceConfig
    from slipway.workspace import Workspace

NO_CODE_FRAMEWORKS = ("Onnx", "ScikitLearn", "TensorFlow", "Multi")


@dataclass
class Request:
    """What Model.deploy() was asked."""

    workspace: Workspace
    name: str
    models: List[Any]
    inference_config: Optional[InferenceConfig]
    deployment_config: Optional[AksServiceDeploymentConfiguration]
    deployment_target: Optional[ComputeTarget]


def deploy(request: Request, overwrite: bool, show_output: bool) -> Webservice:
    """Check, upload, create. The service exists when this returns; it is not ready yet."""
    check(request)
    progress = Progress(f"Service {request.name}", show_output)
    payload = build_payload(request, progress)
    if overwrite:
        payload["overwrite"] = True
    answer = request.workspace._connection.call(
        "POST",
        request.workspace._management("/services"),
        json=payload,
        what=f"Deploying the service {request.name!r}",
        error=WebserviceException,
    )
    progress.line(f"Service {request.name}: accepted; wait_for_deployment() follows it")
    service = Webservice(request.workspace, request.name)
    service._operation_id = operation_id(answer) or service._operation_id
    return service


def check(request: Request) -> None:
    """Every rule that needs no server.

    Raises:
        WebserviceException: The first rule that is broken.
    """
    _names.check_service_name(request.name)
    for model in request.models:
        if not hasattr(model, "id"):
            raise WebserviceException(
                f"models must be registered models, as Model.register() or Model(ws, name) "
                f"return them, not {model!r}."
            )
    config = request.deployment_config
    if config is not None and not isinstance(config, AksServiceDeploymentConfiguration):
        raise WebserviceException(
            "deployment_config must come from AksWebservice.deploy_configuration(), not "
            f"{type(config).__name__}."
        )
    if request.deployment_target is None and not (config and config.compute_target_name):
        raise WebserviceException(
            "There is no compute target: give deployment_target, such as "
            "AksCompute(ws, 'myaks'), or compute_target_name in the deployment_config."
        )
    if config:
        config.validate_configuration()
    if request.inference_config is None:
        check_no_code(request.models)
    else:
        request.inference_config.validate_configuration()


def check_no_code(models: List[Any]) -> None:
    """Without an entry script: one model, of a framework that the server can run by itself."""
    if len(models) != 1:
        raise WebserviceException(
            f"Without an inference_config exactly one model can be deployed, not {len(models)}."
        )
    framework = models[0].model_framework
    if framework not in NO_CODE_FRAMEWORKS:
        raise WebserviceException(
            f"The model {models[0].id} has the framework {framework!r}. Without an "
            f"inference_config it must be one of {', '.join(NO_CODE_FRAMEWORKS)}: give an "
            "inference_config, or register the model with model_framework."
        )


def build_payload(request: Request, progress: Progress) -> Json:
    """Upload the code, if there is any, and build the body of ``POST /services``."""
    model_ids = [model.id for model in request.models]
    if request.inference_config:
        image_request = request.inference_config._image_request(
            request.workspace, request.name, model_ids, progress.line
        )
    else:
        image_request = {"modelIds": model_ids}
    config = request.deployment_config or AksServiceDeploymentConfiguration()
    target = request.deployment_target
    return config._payload(request.name, image_request, target.name if target else None)
