"""What is asked of a trained model: metrics, pictures, results, translated files."""
