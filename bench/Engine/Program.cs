using System.Globalization;
using VoiceCluster.Bench.Engine;
using VoiceCluster.Bench.Engine.Processes;
using VoiceCluster.Bench.Engine.Sections;

// What calls of the engine cost. bench/Engine/run.sh starts it, with a PostgreSQL server for the silos to meet in.
// Arguments: the table's connection string, the number of samples, the sections. A child process gets "silo" first.
if (args is ["silo", .. var rest])
{
    await SiloProcess.RunAsync(rest);
    return;
}

var (table, rounds) = (args[0], int.Parse(args[1], CultureInfo.InvariantCulture));
var report = new Report();
foreach (var section in args[2..])
{
    switch (section.Split(':'))
    {
        case ["calls", .. var only]:
            await Calls.RunAsync(table, rounds, report, only.Length > 0 ? only[0] : "");
            break;
        case ["activations"]:
            await Activations.RunAsync(table, rounds, report);
            break;
        case ["start"]:
            await Starts.RunAsync(table, rounds, report);
            break;
        case ["memory"]:
            await Activations.IdleAsync(table, report);
            break;
        case ["faults"]:
            await Faults.RunAsync(table, rounds, report);
            break;
        case ["scaling"]:
            await Scaling.RunAsync(table, rounds, report);
            await Scaling.ShareAsync(table, report);
            break;
        default:
            throw new ArgumentException($"There is no section {section}.");
    }
}

report.Print();
