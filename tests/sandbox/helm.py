"""Installs a chart by the library of Helm: the library, a kubeconfig, a namespace, a chart and values.

The values are merged onto those of the chart by Helm itself.
"""
import ctypes
import json
import sys

LIBRARY, CONFIG, NAMESPACE, CHART, VALUES = sys.argv[1:]
helm = ctypes.CDLL(LIBRARY)
helm.helm_sdkpy_last_error.restype = ctypes.c_char_p


def text(value):
    return ctypes.c_char_p(value.encode())


def check(code):
    if code != 0:
        sys.exit(helm.helm_sdkpy_last_error().decode())


handle = ctypes.c_ulonglong()
check(helm.helm_sdkpy_config_create(text(NAMESPACE), text(CONFIG), None, text("{}"),
                                    ctypes.byref(handle)))
result = ctypes.c_char_p()
options = {"wait": False, "timeout_seconds": 60, "server_side_apply": "false",
           "disable_openapi_validation": True}
check(helm.helm_sdkpy_install(handle, text("platform"), text(CHART), text(VALUES), text(""),
                              text(json.dumps(options)), ctypes.byref(result)))
print(result.value.decode())
