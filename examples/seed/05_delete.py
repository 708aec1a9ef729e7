"""Delete the services, then the cluster."""

from azureml.core.compute import ComputeTarget
from azureml.core.webservice import Webservice
from prerequisites import ws

for service in Webservice.list(ws):
    service.delete()
assert Webservice.list(ws) == []

aks_target = ComputeTarget(ws, "myaks")
aks_target.delete()
aks_target.wait_for_completion(show_output=True, is_delete_operation=True)
assert "myaks" not in ws.compute_targets
