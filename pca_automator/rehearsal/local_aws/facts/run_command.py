"""Systems Manager: documents, Run Command, managed nodes."""

from __future__ import annotations

from pca_automator.rehearsal.local_aws.facts.ledger import assumed, documented, recorded

_API = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_"
_GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
_AGENT = "https://github.com/aws/amazon-ssm-agent/blob/1c217c89b42de51d4f4063363d8ec1f2eef56055/"

DOCUMENT_FORM = documented(
    "run-command.document-form",
    "a Command document is of schema 2.2, its parameters declared, its patterns regular expressions",
    _GUIDE + "documents-syntax-data-elements-parameters.html",
)
DOCUMENT_BYTES = documented(
    "run-command.document-bytes",
    "a document and its parameters have 64 KB at most",
    _GUIDE + "documents-creating-content.html",
    value=65_536,
)
DOCUMENT_KNOWN = documented(
    "run-command.document-known", "a document or version that does not exist is refused", _API + "SendCommand.html"
)
DOCUMENT_ONCE = documented("run-command.document-once", "a name is given to one document", _API + "CreateDocument.html")
PARAMETERS = documented(
    "run-command.parameters",
    "values are checked against type, pattern, allowed values and length when a command is sent",
    _GUIDE + "documents-syntax-data-elements-parameters.html",
)
ENV_VAR = documented(
    "run-command.env-var",
    "agents from 3.3.2746 give a String parameter as SSM_<name>; older ones paste its text",
    _GUIDE + "parameter-troubleshooting.html",
)
HOSTS_PER_COMMAND = documented(
    "run-command.hosts-per-command", "a command names 50 hosts at most", _API + "SendCommand.html", value=50
)
HOSTS = documented(
    "run-command.hosts", "a command names hosts, each once and known, or targets", _API + "SendCommand.html"
)
ALLOWED_HOSTS = documented(
    "run-command.allowed-hosts",
    "SendCommand is authorized for the document and for each host",
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html",
)
INVOCATION_LATE = documented(
    "run-command.invocation-late",
    "right after SendCommand an invocation may not exist yet",
    _API + "GetCommandInvocation.html",
)
PLUGIN = documented(
    "run-command.plugin", "a document of several steps is asked for one of them", _API + "GetCommandInvocation.html"
)
OUTPUT = documented(
    "run-command.output",
    "24,000 characters of output and 8,000 of errors are shown",
    _API + "GetCommandInvocation.html",
    value=(24_000, 8_000),
)
HOST_ID = documented("run-command.host-id", "the form of a host's id", _API + "GetCommandInvocation.html")
COMMAND_KNOWN = documented(
    "run-command.command-known", "a command that does not exist is refused", _API + "CancelCommand.html"
)
NODE_FILTERS = documented(
    "run-command.node-filters",
    "filters of DescribeInstanceInformation: keys, numbers of values, pages of 5 to 50",
    _API + "DescribeInstanceInformation.html",
)
NODE_TAGS = documented(
    "run-command.node-tags", "a hybrid node has 50 tags at most", _API + "AddTagsToResource.html", value=50
)
NODE_KNOWN = documented(
    "run-command.node-known", "a hybrid node that is not registered is refused", _API + "DeregisterManagedInstance.html"
)
DELIVERY = assumed(
    "run-command.delivery",
    "a command that no agent fetches is Delayed, and then TimedOut with DeliveryTimedOut",
    "the guide's table of statuses; how long each lasts is not on it",
    otherwise="it stays Pending until it times out",
    safe_by="both are 'not finished' to the workflow, which ends after its own number of polls",
)

SURROUNDINGS = recorded(
    "run-command.surroundings",
    "a script runs in the agent's own environment, systemd's, without HOME, and in its working directory; the agent "
    "adds the ids of command and host, Region, platform",
    _AGENT + "packaging/linux/amazon-ssm-agent.service",
    value=("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "/usr/bin"),
)
PIPES = recorded(
    "run-command.pipes",
    "output comes through pipes, and a command lasts until nobody has them any more, or until its time-out",
    _AGENT + "agent/executers/executers.go",
)
KILLED_GROUP = recorded(
    "run-command.killed-group",
    "at its time-out, or when it is cancelled, the process group of a script is killed: what has made a group of its "
    "own, as timeout does, lives on",
    _AGENT + "agent/executers/executers_unix.go",
)
STATUSES = recorded(
    "run-command.statuses",
    "a script that ends with 137 counts as timed out, with 168 as successful, with 194 as asking for a reboot; for "
    "every other but 0 'failed to run commands: exit status N' follows on stderr",
    _AGENT + "agent/plugins/pluginutil/pluginutil_unix.go",
    value=(137, 168, 194),
)
AGENT_OUTPUT = recorded(
    "run-command.agent-output",
    "the agent itself cuts each stream at 24,000 bytes, and says so in its last words",
    _AGENT + "agent/framework/runpluginutil/runpluginutil.go",
    value=(24_000, "--output truncated--"),
)
KILLED_OUTPUT = assumed(
    "run-command.killed-output",
    "of a script that was killed nothing is shown",
    "seen in a driver round the agent's own code; its text would let through what was written before",
    otherwise="what it wrote before it was killed is shown",
    safe_by="a time-out is told by its status; an error that the host had told before goes first, and is as true",
)
AGENT_WORKERS = recorded(
    "run-command.agent-workers",
    "an agent runs five commands at once; those that follow wait",
    _AGENT + "agent/appconfig/constants.go",
    value=5,
)
CANCEL = documented(
    "run-command.cancel",
    "a command that has not begun does not begin; one that runs is Cancelling, and Cancelled once its script is killed",
    _GUIDE + "cancel-run-command.html",
)
STORED_PARAMETERS = documented(
    "run-command.stored-parameters",
    "{{ssm:name}} in a text or a value stands for a parameter of Parameter Store, of which there are none here",
    _GUIDE + "sysman-param-runcommand.html",
)
