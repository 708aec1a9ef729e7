"""Web service authentication: with keys."""

import json

import requests
from azureml.core.webservice import Webservice
from prerequisites import features, regressor, ws

service = Webservice(ws, "myservice")

primary, secondary = service.get_keys()
print(primary)

rows = features[:3]
body = json.dumps({"data": rows.tolist()})
expected = [round(value, 6) for value in regressor.predict(rows)]
for key in (primary, secondary):
    answer = requests.post(
        service.scoring_uri, body, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )
    assert [round(value, 6) for value in answer.json()] == expected
assert requests.post(service.scoring_uri, body, timeout=60).status_code == 401

service.regen_key("Primary")
assert service.get_keys()[0] != primary
assert [round(value, 6) for value in service.run(body)] == expected
