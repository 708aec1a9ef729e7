"""Create a new AKS cluster."""

from azureml.core.compute import AksCompute, ComputeTarget
from prerequisites import ws

# Use the default configuration (you can also provide parameters to customize this).
# For example, to create a dev/test cluster, use:
# prov_config = AksCompute.provisioning_configuration(
#     cluster_purpose=AksCompute.ClusterPurpose.DEV_TEST)
prov_config = AksCompute.provisioning_configuration()

aks_name = "myaks"
# Create the cluster
aks_target = ComputeTarget.create(
    workspace=ws, name=aks_name, provisioning_configuration=prov_config
)

# Wait for the create process to complete
aks_target.wait_for_completion(show_output=True)

assert aks_target.provisioning_state == "Succeeded"
