"""Application Auto Scaling of SageMaker variants: targets, policies, actions that really happen.

What it refuses, whom it refuses and what it deletes along is as AWS documents it. Scheduled actions
change instance counts on the virtual clock; policies are kept, and follow no metric by themselves.
"""


def mount() -> None:
    """Serve `application-autoscaling` from the gateway."""
    import ministack.app as gateway

    from localcloud import hooks, json_service, schedules
    from localcloud.autoscaling import actions, api, state

    json_service.require_hooks()
    hooks.require(gateway, "SERVICE_HANDLERS", call=False)
    gateway.SERVICE_HANDLERS["application-autoscaling"] = api.SERVICE.handle
    hooks.wrap(gateway, "_reset_all_state")(state.forget)
    schedules.sources.append(actions.schedules)


def stop() -> None:
    """Nothing runs here: the schedules have a thread of their own."""
