# Everything that makes this node independent of an installed one: sourced by `start` and `ctl`.
export HOME=@dir@/home
export RABBITMQ_NODENAME=@node@@localhost
export RABBITMQ_DIST_PORT=@dist@
export ERL_EPMD_PORT=@epmd@ ERL_EPMD_ADDRESS=127.0.0.1
export ERL_CRASH_DUMP=@dir@/erl_crash.dump
export RABBITMQ_CONF_ENV_FILE=@dir@/empty.conf
export RABBITMQ_CONFIG_FILE=@dir@/rabbitmq.conf
export RABBITMQ_ADVANCED_CONFIG_FILE=@dir@/advanced.config
export RABBITMQ_ENABLED_PLUGINS_FILE=@dir@/enabled_plugins
export RABBITMQ_GENERATED_CONFIG_DIR=@dir@/generated
export RABBITMQ_MNESIA_BASE=@dir@/data
export RABBITMQ_LOG_BASE=@dir@
export RABBITMQ_LOGS=-
export RABBITMQ_PID_FILE=@dir@/beam.pid
# The shell becomes the server, so the process id is the server's.
export RUNNING_UNDER_SYSTEMD=true
