// The module "hearth_zygote", which makes a zygote of a booted Python (zygote_inside.h). One build of it is
// for all releases from 3.11 on.
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <cerrno>

#include "sandbox/linux/zygote_inside.h"

namespace {

PyObject* serve(PyObject* /*module*/, PyObject* /*none*/) {
  errno = hearth::sandbox::serve_forks({PyOS_BeforeFork, PyOS_AfterFork_Parent, PyOS_AfterFork_Child});
  return errno != 0 ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
}

PyMethodDef methods[] = {
    {"serve", serve, METH_NOARGS,
     "Forks whenever the launcher asks for it, on descriptor 3. Returns in each new process, which is in a "
     "sandbox of its own by then, and never in this one. OSError: it cannot."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "hearth_zygote", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_hearth_zygote() { return PyModule_Create(&definition); }
