# Instances as they are run for real: the runtime protocol, the session and its shell.
hearth_library(hearth_worker_runtime
  SOURCES instance_channel.cc instance_core.cc instance_core_compile.cc instance_session.cc instance_session_assign.cc
    instance_session_calls.cc instance_session_collect.cc log_capture.cc pause_queue.cc protocol.cc runtime_program.cc
    sandboxed_instance.cc
  DEPENDS hearth_worker hearth_code_cache hearth_model hearth_sandbox Boost::boost Boost::json)
hearth_test(worker_runtime_test
  SOURCES instance_channel_test.cc instance_session_calls_test.cc instance_session_collect_test.cc instance_session_prestart_test.cc instance_session_test.cc log_capture_test.cc pause_queue_test.cc testing/plain_process_host.cc protocol_test.cc runtime_program_test.cc
    sandboxed_instance_compile_test.cc sandboxed_instance_faults_test.cc sandboxed_instance_prestart_test.cc sandboxed_instance_test.cc
  DEPENDS hearth_worker_runtime LABELS sanitizer TIMEOUT 180)
