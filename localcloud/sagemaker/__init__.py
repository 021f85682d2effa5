"""SageMaker on one machine: the registry, endpoints whose models really run, events and metrics."""


def mount() -> None:
    """Serve SageMaker, its runtime, and what scales and limits its variants."""
    import ministack.app as gateway_app
    from ministack.core import iam_evaluator, router

    from localcloud import autoscaling, hooks, quotas
    from localcloud.sagemaker import authorization, controls, gateway, metrics

    authorization.require_hooks()
    metrics.require_hooks()
    hooks.require(router, "extract_access_key_id", "headers", "query_params")
    hooks.require(iam_evaluator, "resolve_caller_identity", "access_key_id")
    hooks.require(gateway_app, "SERVICE_HANDLERS", call=False)
    gateway_app.SERVICE_HANDLERS["sagemaker"] = gateway.handle
    controls.mount()
    autoscaling.mount()
    quotas.mount()


def stop() -> None:
    """End every container and take no more requests."""
    from localcloud.sagemaker import container, deployments, gateway, invocation

    gateway.shut_down()
    invocation.shut_down()
    deployments.stop()
    container.shut_down()
