"""Web service authentication: switched off."""

import json

import requests
from azureml.core.compute import AksCompute
from azureml.core.model import Model
from azureml.core.webservice import AksWebservice
from prerequisites import features, inference_config, model, ws

deployment_config = AksWebservice.deploy_configuration(cpu_cores=1, memory_gb=1, auth_enabled=False)

aks_target = AksCompute(ws, "myaks")
service = Model.deploy(ws, "openservice", [model], inference_config, deployment_config, aks_target)
service.wait_for_deployment(show_output=True)

answer = requests.post(service.scoring_uri, json.dumps({"data": features[:1].tolist()}), timeout=60)
assert answer.status_code == 200, answer.text
print(answer.json())
