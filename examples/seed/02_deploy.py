"""Deploy to AKS."""

from azureml.core.compute import AksCompute
from azureml.core.model import Model
from azureml.core.webservice import AksWebservice
from prerequisites import inference_config, model, ws

aks_target = AksCompute(ws, "myaks")
# If deploying to a cluster configured for dev/test, ensure that it was created with enough
# cores and memory to handle this deployment configuration. Note that memory is also used by
# things such as dependencies and AML components.
deployment_config = AksWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
service = Model.deploy(ws, "myservice", [model], inference_config, deployment_config, aks_target)
service.wait_for_deployment(show_output=True)
print(service.state)
print(service.get_logs())

assert service.state == "Healthy"
